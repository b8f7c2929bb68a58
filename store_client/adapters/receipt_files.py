"""Receipts as text files in a folder; printers take them from there."""

import re
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class ReceiptFiles:
    """Implements `ReceiptPrinter`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def print(self, name: str, text: str, code: str = "") -> str:
        """Write a file of that name; the same name again replaces it."""
        del code
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        fresh = path.with_suffix(".tmp")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
        return str(path)

    def kept(self, name: str) -> str:
        """Read what was written under that name."""
        return self._path(name).read_text(encoding="utf-8")

    def _path(self, name: str) -> Path:
        return self._folder / f"{_UNSAFE.sub('-', name)}.txt"
