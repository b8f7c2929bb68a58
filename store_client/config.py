"""Settings of one store machine: environment over file over defaults. Unknown keys fail.

The file is `store.toml` in the data folder; variables begin with
`HOLDSHELF_STORE_`.
"""

import os
import socket
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE_NAME = "store.toml"
ENVIRONMENT_PREFIX = "HOLDSHELF_STORE_"
NESTED = "__"


class BadSettings(Exception):
    """A setting is wrong; the message names the file or variable and what to do."""


class ScannerSettings(BaseModel):
    """How a keyboard-wedge scanner types."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = ""
    """Characters that the scanner sends before each code."""
    suffix: str = ""
    """Characters that the scanner sends after each code, before Enter or Tab."""
    gap_ms: int = Field(default=35, ge=1, le=1000)
    """Mean time between characters below which they are a scan, not typing."""
    min_length: int = Field(default=4, ge=1, le=100)
    """Shorter runs of characters are typing."""


class AlertSettings(BaseModel):
    """When the terminal rings for what is new or late; the bar says it in any case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bell: bool = True
    """Whether it rings at all."""
    quiet_from: str = Field(default="00:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """From when on it does not ring, in the store's time."""
    quiet_until: str = Field(default="00:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """From when on it rings again; the same time: always."""
    again_minutes: int = Field(default=15, ge=0, le=24 * 60)
    """How long after a late order was rung for it is rung for again; 0 is never."""


class PrinterSettings(BaseModel):
    """A printer of this machine. The first one that takes a kind gets it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=24)
    """What people call it."""
    device: Literal["network", "file"]
    """Reached at an address of the network, or as a device file such as `/dev/usb/lp0`."""
    address: str = Field(min_length=1)
    """`host` or `host:port` (9100), or the path of the device file."""
    takes: tuple[Literal["receipt", "report", "label", "slip", "manifest", "pick_list"], ...]
    """What it prints: ESC/POS for texts, ZPL for labels, PDF for manifests."""


class StoreSettings(BaseModel):
    """Everything that can be set on a store machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    data_dir: Path
    """Where journal.db, replica.db and their key live. A local disk."""
    terminal: str = Field(default_factory=lambda: socket.gethostname()[:32] or "terminal")
    """The name of this terminal, as operations carry it."""
    central_url: str = ""
    """Where central is now, if not where this machine was enrolled."""
    ca_file: Path | None = None
    """The certificate authority of central, where it is the retailer's own."""
    evidence_dir: Path | None = None
    """A folder on another disk: each operation is written there too, before it is shown as done."""
    scanner: ScannerSettings = ScannerSettings()
    alerts: AlertSettings = AlertSettings()
    idle_lock_seconds: float = Field(default=300.0, ge=0.0)
    """After how long without a key the terminal locks and asks for a PIN; 0 is never."""
    pos_folder: Path | None = None
    """The folder that the point of sale leaves its sales in: JSON or CSV files. Off unless set."""
    pos_port: int = Field(default=0, ge=0, le=65535)
    """The port of this machine on which the point of sale may ask and sell. 0 is off."""
    payment_terminal: Literal["none", "simulated"] = "none"
    """The payment terminal beside this one. `simulated` is for demos and training."""
    printers: tuple[PrinterSettings, ...] = ()
    """The printers of this machine; without any, everything is files alone."""
    receipts_dir: Path | None = None
    """Where receipts and tender reports are written, if not beside the store's files."""
    network_switch: Path | None = None
    """Demo only: the file that cuts and restores this store's network."""
    demo_hint: str = ""
    """Demo only: who may sign in and with which PIN, shown on the sign-in screen."""


def default_data_dir() -> Path:
    """Return where a store machine keeps its data unless it is told otherwise."""
    return Path(platformdirs.user_data_dir("holdshelf-store", appauthor=False))


def load_settings(data_dir: Path | None = None) -> StoreSettings:
    """Return the settings, or raise `BadSettings` in words."""
    chosen = os.environ.get(f"{ENVIRONMENT_PREFIX}DATA_DIR")
    folder = data_dir or (Path(chosen) if chosen else default_data_dir())
    values = _merged(_file_values(folder / FILE_NAME), _environment())
    try:
        return StoreSettings(**{**values, "data_dir": folder.expanduser().resolve()})
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        variable = ENVIRONMENT_PREFIX + where.upper().replace(".", NESTED)
        raise BadSettings(
            f"setting {where!r}: {first['msg']} (see {folder / FILE_NAME} or {variable})"
        ) from problem


def _environment() -> dict[str, Any]:
    """Return the settings that the environment sets; `SCANNER__GAP_MS` is `scanner.gap_ms`."""
    values: dict[str, Any] = {}
    for name, value in os.environ.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            outer, nested, inner = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition(NESTED)
            if nested:
                values.setdefault(outer, {})[inner] = value
            else:
                values[outer] = value
    return values


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return `below` overlaid with `above`, one level deep."""
    merged = {**below, **above}
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(name), dict):
            merged[name] = {**below[name], **value}
    return merged


def _file_values(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise BadSettings(f"{path} cannot be read: {problem}") from problem
