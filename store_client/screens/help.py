"""Help for the screen in front: what it is for, and every key that works on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from store_client.screens.base import TerminalModal, TerminalScreen
from store_client.screens.host import host_of
from store_client.widgets.tones import tone_style

_KEY_NAMES = {
    "escape": "Esc", "enter": "Enter", "space": "Space", "pageup": "Page up",
    "pagedown": "Page down", "left": "◂", "right": "▸", "up": "↑", "down": "↓",
    "minus": "-", "plus": "+",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyHelp:
    """A key and what it does."""

    key: str
    does: str
    action: str


def key_name(key: str) -> str:
    """Return a key as it is printed on keyboards: F4, Ctrl+Z, Esc."""
    parts = key.split("+")
    name = _KEY_NAMES.get(parts[-1], parts[-1].upper() if len(parts[-1]) <= 3 else parts[-1])  # noqa: PLR2004
    return "+".join([part.capitalize() for part in parts[:-1]] + [name])


def keys_of(screen: Screen[Any]) -> list[KeyHelp]:
    """Return the keys of the screen and of the application, from the bindings themselves.

    Not from what the focused widget sees: a list that takes Enter for itself
    does not change what Enter means on its screen. A dialog shuts the application's
    keys off, but for those that always work.
    """
    keymap = host_of(screen).settings.keymap
    found: dict[str, KeyHelp] = {}
    for node in (screen, screen.app):
        for binding in _bindings_of(node):
            _, action, parameters = parse(binding.action)
            is_shut_off = node is screen.app and screen.is_modal and not binding.priority
            if is_shut_off or node.check_action(action, parameters) is not True:
                continue
            key = keymap.get(binding.id or "", binding.key)
            found.setdefault(
                binding.description, KeyHelp(key_name(key), binding.description, binding.action)
            )
    return list(found.values())


def title_of(screen: Screen[Any]) -> str:
    """Return the title of a screen's help."""
    name = type(screen).__name__.removesuffix("Screen").removesuffix("Dialog")
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return f"Help: {words.strip().capitalize()}"


def _bindings_of(node: DOMNode) -> Iterator[Binding]:
    for kind in type(node).__mro__:
        if kind.__module__.startswith("store_client."):
            for binding in vars(kind).get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.show and binding.description:
                    yield binding
    if isinstance(node, TerminalScreen):
        yield from node.more_keys


class HelpScreen(TerminalModal[None]):
    """The keys of one screen."""

    BINDINGS = [
        Binding("escape", "close", "Close"),
        Binding("f1", "close", "Close", show=False),
        Binding("enter", "close", "Close", show=False),
    ]

    def __init__(self, title: str, text: str, keys: list[KeyHelp]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Show text and keys."""
        rows = [
            Content.assemble((f"{entry.key:>9}  ", tone_style("new", bold=True)), entry.does)
            for entry in self._keys
        ]
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(id="help-scroll"):
                yield Static(self._text, classes="dialog-text", markup=False)
                yield Static(Content("\n").join(rows), id="help-keys")
            yield Static("Esc: close", classes="dialog-keys")

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)
