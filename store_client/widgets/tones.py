"""Colors: the Okabe-Ito palette, which color-blind people can tell apart, as three themes.

A tone only repeats what a glyph and a word already say, so NO_COLOR loses nothing.
"""

from textual.theme import Theme

TONES = ("good", "warn", "bad", "work", "new", "done", "dim")

_DARK = {
    "tone-good": "#2BBE92",
    "tone-warn": "#E69F00",
    "tone-bad": "#F0743A",
    "tone-work": "#56B4E9",
    "tone-new": "#F0E442",
    "tone-done": "#8A97A6",
    "tone-dim": "#7F8C9B",
    "bar": "#18222D",
    "bar-text": "#E7EDF3",
    "cursor-bar": "#14507A",
    "cursor-away": "#22303E",
    "key": "#F0E442",
}
_LIGHT = {
    "tone-good": "#00694C",
    "tone-warn": "#8A5A00",
    "tone-bad": "#A83F00",
    "tone-work": "#005A8E",
    "tone-new": "#7A3E66",
    "tone-done": "#5A6672",
    "tone-dim": "#5F6B77",
    "bar": "#D5DEE7",
    "bar-text": "#10161D",
    "cursor-bar": "#A9D3EE",
    "cursor-away": "#DCE5ED",
    "key": "#7A3E66",
}
_CONTRAST = _DARK | {
    "tone-good": "#00FFB3",
    "tone-warn": "#FFC233",
    "tone-bad": "#FF8A4C",
    "tone-work": "#8AD4FF",
    "tone-new": "#FFF35C",
    "tone-done": "#D0D0D0",
    "tone-dim": "#D0D0D0",
    "bar": "#000000",
    "bar-text": "#FFFFFF",
    "cursor-bar": "#0050A0",
    "cursor-away": "#333333",
}

DEFAULT_COLORS = _DARK
THEMES = (
    Theme(
        name="holdshelf",
        primary="#56B4E9",
        secondary="#0072B2",
        accent="#F0E442",
        warning="#E69F00",
        error="#D55E00",
        success="#009E73",
        foreground="#DDE5EC",
        background="#0E141B",
        surface="#131B24",
        panel="#1B2632",
        variables=_DARK,
    ),
    Theme(
        name="holdshelf-light",
        primary="#0072B2",
        secondary="#56B4E9",
        accent="#7A3E66",
        warning="#8A5A00",
        error="#A83F00",
        success="#00694C",
        foreground="#10161D",
        background="#F7F9FB",
        surface="#EEF2F6",
        panel="#E1E8EF",
        dark=False,
        variables=_LIGHT,
    ),
    Theme(
        name="holdshelf-contrast",
        primary="#8AD4FF",
        secondary="#8AD4FF",
        accent="#FFF35C",
        warning="#FFC233",
        error="#FF8A4C",
        success="#00FFB3",
        foreground="#FFFFFF",
        background="#000000",
        surface="#000000",
        panel="#141414",
        variables=_CONTRAST,
    ),
)


def tone_style(tone: str, *, bold: bool = False) -> str:
    """Return the style of a tone for content of a widget."""
    color = f"$tone-{tone}" if tone in TONES else ""
    return f"{'bold ' if bold else ''}{color}".strip()
