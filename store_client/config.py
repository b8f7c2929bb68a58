"""Settings of one store machine: environment over file over defaults. Unknown keys fail.

The file is `store.toml` in the data folder; variables begin with
`HOLDSHELF_STORE_`.
"""

import os
import socket
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

FILE_NAME = "store.toml"
ENVIRONMENT_PREFIX = "HOLDSHELF_STORE_"


class BadSettings(Exception):
    """A setting is wrong; the message names the file or variable and what to do."""


class ScannerSettings(BaseSettings):
    """How a keyboard-wedge scanner types."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    prefix: str = ""
    """Characters that the scanner sends before each code."""
    suffix: str = ""
    """Characters that the scanner sends after each code, before Enter or Tab."""
    gap_ms: int = Field(default=35, ge=1, le=1000)
    """Mean time between characters below which they are a scan, not typing."""
    min_length: int = Field(default=4, ge=1, le=100)
    """Shorter runs of characters are typing."""


class StoreSettings(BaseSettings):
    """Everything that can be set on a store machine."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
    )

    data_dir: Path
    """Where journal.db, replica.db and their key live. A local disk."""
    terminal: str = Field(default_factory=lambda: socket.gethostname()[:32] or "terminal")
    """The name of this terminal, as operations carry it."""
    central_url: str = ""
    """Where central is now, if not where this machine was enrolled."""
    ca_file: Path | None = None
    """The certificate authority of central, where it is the retailer's own."""
    scanner: ScannerSettings = ScannerSettings()
    network_switch: Path | None = None
    """Demo only: the file that cuts and restores this store's network."""


def default_data_dir() -> Path:
    """Return where a store machine keeps its data unless it is told otherwise."""
    return Path(platformdirs.user_data_dir("holdshelf-store", appauthor=False))


def load_settings(data_dir: Path | None = None) -> StoreSettings:
    """Return the settings, or raise `BadSettings` in words."""
    chosen = os.environ.get(f"{ENVIRONMENT_PREFIX}DATA_DIR")
    folder = data_dir or (Path(chosen) if chosen else default_data_dir())
    values = _file_values(folder / FILE_NAME)
    for name in _from_environment():
        values.pop(name, None)
    try:
        return StoreSettings(**{**values, "data_dir": folder.expanduser().resolve()})
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadSettings(
            f"setting {where!r}: {first['msg']} (see {folder / FILE_NAME} or"
            f" {ENVIRONMENT_PREFIX}{where.upper()})"
        ) from problem


def _from_environment() -> list[str]:
    """Return the settings that the environment sets: they win over the file."""
    names = (name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX))
    return [name.removeprefix(ENVIRONMENT_PREFIX).split("__")[0].lower() for name in names]


def _file_values(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise BadSettings(f"{path} cannot be read: {problem}") from problem
