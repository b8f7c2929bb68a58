"""The switch of a spoiled network, as a small file that any process may write.

The file holds one word, or a JSON object:

    cut
    {"mode": "pass", "latency_ms": 200, "bytes_per_second": 1200, "drop_after_bytes": 4096}

A missing file means `pass`. Words: see `LinkMode`. Only `mode` is needed; the
rest may be left out. The chaos proxy looks at the file every 50 ms and keeps
what it does while the file cannot be read. This module needs no network
library, because a terminal that starts fast imports it.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class LinkMode(StrEnum):
    """What a link does with connections."""

    PASS = "pass"  # noqa: S105 - not a password
    """Forward everything."""
    CUT = "cut"
    """Refuse new connections; the ones that exist were reset when the switch was set."""
    HALF_OPEN = "half_open"
    """Accept and forward nothing: the other side never answers."""
    CAPTIVE = "captive"
    """Answer everything with a page of HTML, as the sign-in of a guest network does."""


@dataclass(frozen=True, slots=True)
class Switch:
    """How a link is set. The numbers count in mode `pass` only; None is no limit."""

    mode: LinkMode = LinkMode.PASS
    latency_ms: int = 0
    """Each piece of data is held back this long, in each direction."""
    bytes_per_second: int | None = None
    """For each direction of each connection."""
    drop_after_bytes: int | None = None
    """Reset a connection once so many bytes of it went to the client."""
    holds_streams: bool = False
    """Keep event streams to itself until they end, as a proxy does that collects whole answers."""

    def __post_init__(self) -> None:
        if self.latency_ms < 0:
            raise ValueError(f"latency_ms is negative: {self.latency_ms}")
        if self.bytes_per_second is not None and self.bytes_per_second <= 0:
            raise ValueError(f"bytes_per_second is not positive: {self.bytes_per_second}")
        if self.drop_after_bytes is not None and self.drop_after_bytes < 0:
            raise ValueError(f"drop_after_bytes is negative: {self.drop_after_bytes}")


def write_switch(path: Path, switch: Switch) -> None:
    """Set the switch; a reader sees the old setting or the new one, never half of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(asdict(switch)) + "\n", encoding="utf-8")
    partial.replace(path)


def read_switch(path: Path) -> Switch:
    """Return how the switch is set; `ValueError` says what is wrong with the file."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return Switch()
    if not text.startswith("{"):
        return Switch(LinkMode(text))
    document = json.loads(text)
    numbers = {
        name: _number(document[name], name)
        for name in ("bytes_per_second", "drop_after_bytes")
        if document.get(name) is not None
    }
    latency_ms = _number(document.get("latency_ms", 0), "latency_ms")
    holds = document.get("holds_streams", False) is True
    mode = LinkMode(document.get("mode", LinkMode.PASS))
    return Switch(mode, latency_ms, **numbers, holds_streams=holds)


def write_mode(path: Path, mode: LinkMode | str) -> None:
    """Set the switch to a mode without limits: what a key on a terminal does."""
    write_switch(path, Switch(LinkMode(mode)))


def read_mode(path: Path) -> LinkMode:
    """Return the mode that is set."""
    return read_switch(path).mode


def _number(value: object, name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"{name} is not a whole number: {value!r}")
