"""Keys and scans: a focused widget eats Enter, so the gate sits before all of them.

A scanner types like a very fast person. What it typed is taken back out of where
it went, and the screen in front is given the code instead.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from textual import events
from textual.widgets import Input

from store_client.ports import Store
from store_client.screens.base import TerminalModal, TerminalScreen, begin
from store_client.screens.host import Behind, FlowUi
from store_client.services.codes import orders_of_code, spot_words
from store_client.services.desk import Actor, TerminalSettings
from store_client.services.scanner import Code, ScanGate, read_code
from store_client.services.shelf import is_spot
from store_client.widgets.painted import ForgettingApp
from sync.protocol.rows import StoreRow

SEPARATOR = "\x1d"
"""What stands between the fields of a GS1 code (FNC1); wedges type it as Ctrl+]."""
SEPARATOR_KEY = "ctrl+right_square_bracket"


class ScanningApp(ForgettingApp):
    """The part of the terminal that hears every key first."""

    store: Store
    actor: Actor | None
    flows: Sequence[FlowUi]
    store_row: StoreRow | None
    off_loop: Callable[[Callable[[], Any]], Awaitable[Any]]
    open_order: Callable[..., None]
    show_lookup: Callable[[str], None]

    def __init__(
        self, settings: TerminalSettings, key_ms: Callable[[events.Key], int] | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self._gate = ScanGate(settings.scanner)
        self._key_ms = key_ms or _arrival_ms
        self._before_burst = ""

    async def on_event(self, event: events.Event) -> None:
        """Let the scanner gate see each key once, before anything else does."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._gated(event):
            return
        await super().on_event(event)

    def _gated(self, event: events.Key) -> bool:
        """Return whether the key ended a scan, or belongs to codes only: then it is used up."""
        at_ms = self._key_ms(event)
        if event.key in {"enter", "tab"}:
            raw = self._gate.end(at_ms)
            if raw is None:
                return False
            self._finish_scan(raw)
            return True
        is_separator = event.key == SEPARATOR_KEY
        if is_separator or (event.character and event.is_printable):
            if self._gate.feed(SEPARATOR if is_separator else event.character or "", at_ms):
                self._before_burst = self._typed()
        else:
            self._gate.clear()
        return is_separator  # it is part of a code, and nothing else here

    def _typed(self) -> str:
        focused = self.focused
        if isinstance(focused, Input):
            return focused.value
        return str(getattr(self.screen, "typed", ""))

    def _finish_scan(self, raw: str) -> None:
        """Take the scan's characters back out of where they were typed, then act on it.

        The characters may still be on their way: to the focused widget, and from
        there from parent to parent up to the screen. Each handles its messages in
        order, so this goes the same way and arrives after them.
        """
        screen, focused, before = self.screen, self.focused, self._before_burst
        code = read_code(raw)

        def restore() -> None:
            if isinstance(focused, Input):
                focused.value = before
                focused.cursor_position = len(before)
            elif isinstance(screen, TerminalScreen | TerminalModal):
                screen.set_typed(before)
            if not code.text:
                return
            if isinstance(screen, TerminalScreen | TerminalModal):
                screen.take_code(code)
            else:  # the menu is Textual's own, and knows no scans
                self.unused_code(code)

        stops = [screen] if focused is None else [*focused.ancestors_with_self]
        stops = stops[: stops.index(screen) + 1] if screen in stops else [screen]

        def travel(stop: int) -> None:
            if stop == len(stops):
                restore()
            else:
                stops[stop].call_later(travel, stop + 1)

        travel(0)

    # --- what a scan means where the screen has no use of its own ------------------------

    def open_code(self, code: Code, behind: Behind = tuple) -> None:
        """Open what a code means: an order or several, a spot, a product, or what it is not.

        Only an order takes what was scanned `behind` it.
        """
        begin(self, partial(self._open_code, code, behind), "code")

    async def _open_code(self, code: Code, behind: Behind) -> None:
        store, names = self.store, [flow.name for flow in self.flows]
        rows = await self.off_loop(partial(orders_of_code, store, code))
        if self.actor is None:
            return  # whoever scanned it has signed out
        if len(rows) == 1:
            own = [code] if code.pickup_code else []
            flow = getattr(rows[0], "flow", names[0])
            self.open_order(flow, rows[0].id, lambda: [*own, *behind()])
            return
        for unused in behind():
            self.unused_code(unused)
        if rows:
            self.show_lookup(rows[0].order_number)  # which of them is meant, a person sees
            return
        if is_spot(self.store_row, code.text):
            there = await self.off_loop(partial(store.orders_at, code.text))
            if self.actor is None:
                return
            if len(there) == 1:
                self.open_order(getattr(there[0], "flow", names[0]), there[0].id)
            else:
                self.notify(spot_words(code.text, there), title=code.text.upper(), markup=False)
            return
        if code.order_number:
            self.bell()
            self.notify(
                f"Order {code.order_number} is not at this store.", title="Not here",
                severity="warning", markup=False,
            )  # fmt: skip
            return
        self.show_lookup(code.text)

    def unused_code(self, code: Code) -> None:
        """Say that nothing was done with a scan, and which one it was."""
        self.bell()
        self.notify(
            f"{code.text}: finish or close what is open, then scan it again.",
            title="That scan was not used", severity="warning", markup=False,
        )  # fmt: skip


def _arrival_ms(event: events.Key) -> int:
    """Return when a key came, by the driver: a busy screen makes no typist a scanner."""
    return round(event.time * 1000)
