"""Alerts: what is new, what is late, and when to ring; each thing once, not at every refresh.

Pure but for its memory of what people have been told. The bell may be silent for
hours of the day; what stands in the bar never is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

MINUTE_MS = 60_000
DAY_MINUTES = 24 * 60
SEEN_MS = 8_000
"""For how long Today says that orders have arrived; elsewhere it stays until Today is seen."""


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """When this terminal rings."""

    bell: bool = True
    quiet_from: int = 0
    """Minute of the store's day from which on it does not ring."""
    quiet_until: int = 0
    """Minute from which on it rings again; the same as `quiet_from`: no quiet hours."""
    again_minutes: int = 15
    """How long after a late order was rung it is rung again; 0: never."""

    def is_quiet(self, minute: int) -> bool:
        """Return whether the bell is silent at a minute of the day; hours may span midnight."""
        since = (minute - self.quiet_from) % DAY_MINUTES
        return not self.bell or since < (self.quiet_until - self.quiet_from) % DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Work:
    """What waits at one moment, as far as alerts go: ids."""

    new: frozenset[str] = frozenset()
    """Orders that nobody has accepted yet."""
    late: frozenset[str] = frozenset()
    """Orders whose next step is overdue."""
    tasks: frozenset[str] = frozenset()
    """Follow-ups that wait for somebody here."""
    late_tasks: frozenset[str] = frozenset()
    """Those of them whose time is over."""


@dataclass
class Alerts:
    """Remembers what was told, and says what has to be told now."""

    settings: AlertSettings = AlertSettings()
    _known: Work | None = None
    _unseen: set[str] = field(default_factory=set)
    _unseen_late: set[str] = field(default_factory=set)
    _news_at_ms: int = 0
    _rung_ms: dict[str, int] = field(default_factory=dict)
    """When each late order or task was rung last."""

    def take(self, work: Work, now_ms: int, minute: int, *, told: bool = True) -> bool:
        """Take in what waits now; return whether to ring.

        What waited when the terminal was started is no news. `told` is False while
        nobody is signed in: then it is taken in, and rung for when somebody is.
        """
        before, self._known = self._known, work
        self._unseen &= work.new
        self._unseen_late &= work.late
        overdue = work.late | work.late_tasks
        self._rung_ms = {key: at for key, at in self._rung_ms.items() if key in overdue}
        if before is None or not told:
            self._rung_ms.update(dict.fromkeys(overdue - self._rung_ms.keys(), now_ms))
            return False
        fresh = work.new - before.new
        due = self._due(overdue, self._rung_ms, now_ms)
        if fresh or due & work.late:
            self._unseen |= fresh
            self._unseen_late |= due & work.late
            self._news_at_ms = now_ms
        self._rung_ms.update(dict.fromkeys(due, now_ms))
        rings = bool(fresh or due or work.tasks - before.tasks)
        return rings and not self.settings.is_quiet(minute)

    def _due(
        self, overdue: Collection[str], rung_ms: Mapping[str, int], now_ms: int
    ) -> frozenset[str]:
        again_ms = self.settings.again_minutes * MINUTE_MS
        return frozenset(
            key
            for key in overdue
            if key not in rung_ms or (again_ms and now_ms - rung_ms[key] >= again_ms)
        )

    def words(self, now_ms: int, *, on_today: bool) -> str:
        """Return what stands in the bar: what has come and what became late, until it is seen."""
        if on_today and now_ms - self._news_at_ms > SEEN_MS:
            self._unseen.clear()
            self._unseen_late.clear()
        parts = [f"★ {len(self._unseen)} new"] if self._unseen else []
        parts += [f"! {len(self._unseen_late)} late"] if self._unseen_late else []
        if not parts:
            return ""
        return " ".join(parts) if on_today else f"{' '.join(parts)}: F2"


def read_minute(text: str) -> int:
    """Return `HH:MM` as a minute of the day; raises `ValueError`."""
    hour, colon, minute = text.strip().partition(":")
    if not (colon and hour.isdigit() and minute.isdigit()):
        raise ValueError(f"{text!r} is no time of the day such as 21:30")
    found = int(hour) * 60 + int(minute)
    if not 0 <= found < DAY_MINUTES or int(minute) > 59:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text!r} is no time of the day such as 21:30")
    return found
