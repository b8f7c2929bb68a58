"""A flow's desk: facts on top, one list, and what was last said; read again at each change."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from store_client.screens.base import begin
from store_client.screens.recording import RecordingScreen
from store_client.widgets.panels import Says
from store_client.widgets.work_list import Looks, WorkList


class DeskScreen(RecordingScreen):
    """What the desks of all flows have in common. A flow gives the looks and reads its rows."""

    LOOKS: ClassVar[Looks]

    def compose_body(self) -> ComposeResult:
        """Show the facts, the list, and what was last said."""
        yield Static("", id="inbox-facts")
        yield from self.more_facts()
        yield WorkList(self.LOOKS, id="desk")
        yield Says("", id="says")

    def more_facts(self) -> Iterator[Widget]:
        """Return what else stands above the list."""
        yield from ()

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        desk = self.query_one("#desk", WorkList)
        desk.show_rows((), empty="Reading …")
        desk.focus()
        self.store_changed()

    def on_screen_resume(self) -> None:
        """Catch up with what was done on the screens above, unless it is taken away, too."""
        if self.is_mounted and self.is_active:
            self.store_changed()

    def store_changed(self) -> None:
        """Read again."""
        begin(self, self.read, "desk", exclusive=True)

    async def read(self) -> None:
        """Read the rows and show them."""
