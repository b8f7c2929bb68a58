"""The painted lines of screens that are gone, given back at once.

Textual keeps what a widget has painted in a cache of that widget, and remembers
colors by (cache, color, color) for the last 1,024 of them, so a cache outlives its
widget; and a screen that is gone is a cycle, which is collected rarely here.
"""

from typing import Any

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.widget import Widget


def forget_lines(screen: Screen[Any]) -> None:
    """Empty the caches of a screen that is about to go."""
    for widget in screen.walk_children(Widget, with_self=True):
        widget._styles_cache.clear()  # noqa: SLF001 - a refresh does the same, and paints again


class ForgettingApp(App[None]):
    """The part of the terminal that keeps nothing of a screen that is gone."""

    def pop_screen(self) -> AwaitComplete:
        """Take the screen on top away, and what it has painted."""
        forget_lines(self.screen)
        return super().pop_screen()

    def switch_screen(self, screen: Screen[Any] | str) -> AwaitComplete:
        """Put a screen in the place of the one on top, and forget what that has painted."""
        forget_lines(self.screen)
        return super().switch_screen(screen)
