"""The two lines that never leave the screen: where things stand, and which keys do what."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static

from store_client.services.words import Said
from store_client.widgets.tones import tone_style

HINTS_MAX = 6
PRODUCT = "HOLDSHELF"
ROOMY = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What the status bar says."""

    store: str
    who: str
    role: str
    connection: Said
    time: str
    news: str = ""
    """What has just arrived; it stands where the store's name stands."""
    inbox: Said | None = None
    """How much waits for somebody here; nothing where nothing does."""
    paper: Said | None = None
    """What is stuck at a printer; nothing while the printers keep up."""


def cut(text: str, cells: int) -> str:
    """Return `text` in at most so many cells; of one cell nothing could be read."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1) + "…" if cells > 1 else ""


class StatusBar(Static):
    """Store, person, connection and backlog in words, and the time; docked at the top."""

    def __init__(self) -> None:
        super().__init__("", id="status-bar")
        self._standing: Standing | None = None

    @property
    def standing(self) -> Standing | None:
        """What is said now."""
        return self._standing

    def say(self, standing: Standing) -> bool:
        """Say how things stand; return whether anything changed."""
        if standing == self._standing:
            return False
        self._standing = standing
        self.refresh()
        return True

    def render(self) -> Content:
        """Lay the parts out over the width; what is least needed gives way."""
        standing, width = self._standing, self.size.width
        if standing is None:
            return Content(f" {PRODUCT}")
        badge, tone = f" {standing.connection} ", standing.connection.tone
        clock = f" {standing.time} "
        inbox, inbox_tone = self._said(standing.inbox, width)
        paper, paper_tone = self._said(standing.paper, width)
        room = width - cell_len(badge) - cell_len(clock) - cell_len(inbox + paper) - 4
        who = "not signed in"
        if standing.who:
            role = f" ({standing.role})"
            who = f"{cut(standing.who, room - cell_len(role))}{role}"
        left = standing.news or standing.store
        if width >= ROOMY:
            left = f"{PRODUCT}  {left}"
        left = cut(left, room - cell_len(who))
        used = cell_len(left) + cell_len(who) + cell_len(inbox + paper + badge + clock)
        gap = " " * max(1, width - used - 2)
        return Content.assemble(
            (f" {left}", f"bold {tone_style('new')}" if standing.news else "bold"),
            gap,
            (who, ""),
            " ",
            (paper, f"bold {tone_style(paper_tone)}"),
            (inbox, f"bold {tone_style(inbox_tone)}"),
            (badge, f"bold {tone_style(tone)} reverse"),
            (clock, "bold"),
        )

    @staticmethod
    def _said(said: Said | None, width: int) -> tuple[str, str]:
        if said is None:
            return "", ""
        words = said.words if width >= ROOMY else said.short
        return f"{said.glyph} {words} ", said.tone


@dataclass(frozen=True, slots=True)
class Hint:
    """A key, what it does here, and the action behind it."""

    key: str
    label: str
    action: str = ""


class Hints(Static):
    """At most six keys, docked at the bottom; each can be clicked."""

    def __init__(self) -> None:
        super().__init__("", id="hints")
        self._hints: tuple[Hint, ...] = ()

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What is offered now."""
        return self._hints

    def offer(self, hints: Sequence[Hint]) -> None:
        """Offer these keys."""
        offered = tuple(hints)[:HINTS_MAX]
        if offered != self._hints:
            self._hints = offered
            self.refresh()

    def render(self) -> Content:
        """Draw as many hints as fit, whole ones only."""
        parts, used = [], 0
        for hint in self._hints:
            cells = cell_len(hint.key) + cell_len(hint.label) + 3
            if used + cells > self.size.width:
                break
            used += cells
            key = f"[@click={hint.action}]$shown_key[/]" if hint.action else "$shown_key"
            markup = f" [bold $key]{key}[/] $shown_label "
            parts.append(Content.from_markup(markup, shown_key=hint.key, shown_label=hint.label))
        return Content("").join(parts)
