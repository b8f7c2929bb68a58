"""A clock that stands still until a test moves it."""


class FrozenClock:
    """Wall and monotonic time in milliseconds, both set by hand."""

    def __init__(self, now_ms: int = 1_764_603_120_000) -> None:
        self.wall_ms = now_ms
        self.mono_ms = 0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ms(self) -> int:
        return self.mono_ms

    def sleep(self, seconds: float) -> None:
        self.advance(round(seconds * 1000))

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.mono_ms += ms
