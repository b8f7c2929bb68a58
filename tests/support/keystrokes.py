"""Counts what a job takes at the terminal: keys of a person, scans, and the characters of codes."""

from dataclasses import dataclass

from tests.support.terminals import Terminal


@dataclass
class Effort:
    """What a job took."""

    keys: int = 0
    """Keys that a person pressed, typed characters included."""
    scans: int = 0


class CountingTerminal:
    """Drives a terminal as `Terminal` does, and counts."""

    def __init__(self, term: Terminal) -> None:
        self.term = term
        self.effort = Effort()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        self.effort.keys += len(keys)
        await self.term.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text, a key a character."""
        self.effort.keys += len(text)
        await self.term.type(text)

    async def scan(self, text: str) -> None:
        """Scan a code."""
        self.effort.scans += 1
        await self.term.scan(text)

    def says(self, words: str) -> bool:
        """Return whether the screen says these words."""
        return words in self.term.text()
