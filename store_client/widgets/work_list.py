"""The long list: draws only the rows on screen, so ten thousand cost as little as ten.

It owns its cursor and keeps it on the same row, at the same height of the
screen, when the rows change under it. Columns give way on narrow screens in the
order they say.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from store_client.widgets.tones import TONES

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
MARK = "▶"
GUTTER = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column: at least `width` cells, and its share of what is left over."""

    title: str
    width: int
    share: int = 0
    leaves: int = 0
    """0 stays always; the highest number leaves first when the screen is narrow."""
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with a tone; `short` stands in where the text does not fit."""

    text: str
    tone: str = ""
    short: str = ""
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """How rows of some kind are shown: what identifies one, and its cells."""

    columns: tuple[Column, ...]
    key: Callable[[Any], str]
    cells: Callable[[Any], Sequence[Cell]]
    empty: str = "Nothing here."


class WorkList(ScrollView, can_focus=True):
    """Rows of any kind under a line of titles."""

    COMPONENT_CLASSES = {
        "work-list--title",
        "work-list--cursor",
        "work-list--away",
        "work-list--empty",
        *(f"work-list--{tone}" for tone in TONES),
    }
    BINDINGS = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(0)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        list: "WorkList"
        key: str

        @property
        def control(self) -> "WorkList":
            """The list, for `@on` selectors."""
            return self.list

    @dataclass
    class Chosen(Message):
        """Enter or a click on the row under the cursor."""

        list: "WorkList"
        key: str

        @property
        def control(self) -> "WorkList":
            """The list, for `@on` selectors."""
            return self.list

    def __init__(self, looks: Looks, *, id: str | None = None, titles: bool = True) -> None:  # noqa: A002
        super().__init__(id=id)
        self._looks = looks
        self._rows: Sequence[Any] = ()
        self._cursor = 0
        self._titles = 1 if titles else 0
        self._widths: tuple[int, tuple[int, ...]] = (-1, ())
        self._empty = looks.empty

    # --- rows ---------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Any]:
        """What is shown."""
        return self._rows

    @property
    def current(self) -> Any | None:
        """The row under the cursor, or None where there is none."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def current_key(self) -> str:
        """The key of the row under the cursor, empty where there is none."""
        return "" if self.current is None else self._looks.key(self.current)

    def show_rows(self, rows: Sequence[Any], *, empty: str | None = None) -> None:
        """Show `rows`; the cursor stays on its row, which stays at its height if it can."""
        key, height = self.current_key, self._cursor - self.scroll_offset.y
        self._rows = rows
        if empty is not None:
            self._empty = empty
        keys = self._looks.key
        found = next((place for place, row in enumerate(rows) if keys(row) == key), None)
        self._cursor = min(self._cursor, max(0, len(rows) - 1)) if found is None else found
        self._resize()
        if found is not None and height >= 0:
            self.scroll_to(y=max(0, self._cursor - height), animate=False, immediate=True)
        self._keep_in_sight()
        self.refresh()
        if self.current_key != key:
            self.post_message(self.Moved(self, self.current_key))

    def go_to(self, key: str) -> None:
        """Put the cursor on the row with `key`, if there is one."""
        keys = self._looks.key
        place = next((i for i, row in enumerate(self._rows) if keys(row) == key), None)
        if place is not None:
            self._set_cursor(place)

    def _resize(self) -> None:
        height = len(self._rows) + self._titles
        self.virtual_size = Size(self.scrollable_content_region.width, height)

    def _set_cursor(self, place: int) -> None:
        place = max(0, min(place, len(self._rows) - 1))
        if not self._rows or place == self._cursor:
            return
        self._cursor = place
        self._keep_in_sight()
        self.refresh()
        self.post_message(self.Moved(self, self.current_key))

    def _keep_in_sight(self) -> None:
        height = max(1, self.scrollable_content_region.height - self._titles)
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True)

    # --- keys and mouse -----------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._set_cursor(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        height = max(1, self.scrollable_content_region.height - self._titles - 1)
        self._set_cursor(self._cursor + by * height)

    def action_edge(self, last: int) -> None:
        """Move the cursor to the first or the last row."""
        self._set_cursor(len(self._rows) - 1 if last else 0)

    def action_choose(self) -> None:
        """Say that the row under the cursor was chosen, even where there is none."""
        self.post_message(self.Chosen(self, self.current_key))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; a second click on it chooses it."""
        place = event.get_content_offset_capture(self).y - self._titles + self.scroll_offset.y
        if event.y < self._titles or not 0 <= place < len(self._rows):
            return
        if place == self._cursor and event.chain > 1:
            self.action_choose()
        self._set_cursor(place)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._resize()
        self._keep_in_sight()

    # --- drawing ------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen: titles, a row, or nothing."""
        width = self.scrollable_content_region.width
        if y < self._titles:
            return self._title_strip(width)
        place = y - self._titles + self.scroll_offset.y
        if not self._rows and y == self._titles + 1:
            style = self.get_component_rich_style("work-list--empty")
            return Strip([Segment(set_cell_size("  " + self._empty, width), style)])
        if place >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._row_strip(place, width)

    def _title_strip(self, width: int) -> Strip:
        style = self.get_component_rich_style("work-list--title")
        columns = zip(self._looks.columns, self._column_widths(width), strict=True)
        text = "".join(_fit(column.title, "", cells, column.right) for column, cells in columns)
        return Strip([Segment(set_cell_size(" " * GUTTER + text, width), style)])

    def _row_strip(self, place: int, width: int) -> Strip:
        here = place == self._cursor
        base = self._base_style(here=here)
        segments = [Segment(f"{MARK if here else ' ':<{GUTTER}}", base)]
        widths = self._column_widths(width)
        cells = self._looks.cells(self._rows[place])
        for column, cell, size in zip(self._looks.columns, cells, widths, strict=True):
            if size:
                text = _fit(cell.text, cell.short, size, column.right)
                segments.append(Segment(text, self._cell_style(base, cell, here=here)))
        return Strip(segments).adjust_cell_length(width, base)

    def _base_style(self, *, here: bool) -> Style:
        if not here:
            return self.rich_style
        name = "work-list--cursor" if self.has_focus else "work-list--away"
        return self.get_component_rich_style(name)

    def _cell_style(self, base: Style, cell: Cell, *, here: bool) -> Style:
        style = base
        if cell.tone:
            tone = self.get_component_rich_style(f"work-list--{cell.tone}")
            # The cursor's row keeps its own background and stays readable.
            style = base + Style(color=tone.color) if not here else base
        return style + Style(bold=True) if cell.bold or (here and cell.tone) else style

    def _column_widths(self, width: int) -> tuple[int, ...]:
        """Return the cells of each column with its gap to the next; 0 where it had to leave."""
        if self._widths[0] != width:
            self._widths = (width, _share_out(self._looks.columns, width - GUTTER))
        return self._widths[1]

    def watch_has_focus(self, _focus: bool) -> None:
        """Draw the cursor bright or pale."""
        self.refresh(Region(0, 0, *self.size))


def _share_out(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    stay = list(columns)
    while sum(column.width + 1 for column in stay) > width:
        leaving = max(stay, key=lambda column: column.leaves)
        if not leaving.leaves:
            break
        stay.remove(leaving)
    left = max(0, width - sum(column.width + 1 for column in stay))
    shares = sum(column.share for column in stay) or 1
    return tuple(
        column.width + 1 + left * column.share // shares if column in stay else 0
        for column in columns
    )


def _fit(text: str, short: str, cells: int, right: bool) -> str:
    """Return `text` in exactly `cells` cells, the last of them a gap."""
    if not cells:
        return ""
    room = cells - 1
    if not text.isprintable():  # whatever feeds this store may hold a line break, or worse
        text = _CONTROL.sub(" ", text)
    if cell_len(text) > room:
        text = short or text
    if cell_len(text) > room:
        text = set_cell_size(text, max(0, room - 1)).rstrip() + "…"
    padding = " " * max(0, room - cell_len(text))
    return f"{padding}{text} " if right else f"{text}{padding} "
