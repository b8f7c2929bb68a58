"""How central is set up: environment over file over defaults.

Every setting is `HOLDSHELF_CENTRAL_<NAME>` in the environment or `<name>` in a TOML
file. An unknown name fails, so that a misspelt one is not silently ignored.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sync.domain.escrow import EscrowPolicy

PREFIX = "HOLDSHELF_CENTRAL_"
SECRET_LENGTH_MIN = 32
KEY_DIGITS = 64
MINUTE_MS = 60_000
THRESHOLDS = (1, 2, 5, 10, 25, 50, 100, 250)
"""Units at which something changes for a shop: sold out, last one, few, some, plenty."""
DEMO_SECRET = "demo-only-" + "0" * SECRET_LENGTH_MIN


class UnknownSetting(ValueError):
    """The environment names a setting that does not exist."""


class BadFile(ValueError):
    """The settings file is not TOML, or cannot be read."""


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("holdshelf")) / "central"


FEED_LOCATIONS_MAX = 200
"""Each is looked at for every SKU that moved anywhere, and for all of them every ten minutes."""


class CentralSettings(BaseSettings):
    """Central's settings. They do not change while it runs."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    data_dir: Path = Field(default_factory=_default_data_dir)
    """Where the embedded database and built snapshots lie."""
    database_url: str = ""
    """`postgresql://…` or `sqlite:///path`; empty: an SQLite file in `data_dir`."""
    database_key: SecretStr | None = None
    """64 hexadecimal digits: the SQLite file is encrypted with it."""
    host: str = "127.0.0.1"
    port: int = Field(default=8470, ge=0, le=65535)
    server_secret: SecretStr | None = None
    """Signs session tokens and challenges. There is no default outside the demo."""
    demo: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    """What central logs on stderr: lines for people, or a JSON object a line."""
    floor_percent: int = Field(default=20, ge=0, le=100)
    """Share of a store's book stock that only the store may spend, where none is given."""
    escrow: bool = True
    """Whether new stores with a machine share their stock by escrow; else by a fixed share."""
    lease_minutes: int = Field(default=120, ge=1, le=7 * 24 * 60)
    """How long central may promise a store's granted units without hearing from it."""
    confirm_minutes: int = Field(default=15, ge=1, le=24 * 60)
    """How long after that a store may still confirm a promise."""
    safety_stock: int = Field(default=0, ge=0)
    availability_thresholds: Annotated[tuple[int, ...], NoDecode] = THRESHOLDS
    """Units at which the feed of availability tells shops of a SKU: `1,5,20`, ascending."""
    availability_feed_locations: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), max_length=FEED_LOCATIONS_MAX
    )
    """Locations whose availability is published by itself, too: `S001,S002`."""
    hold_days: int = Field(default=7, ge=1)
    promise_minutes: int = Field(default=120, ge=1)
    """How long after the order the goods are promised, within opening hours."""
    routing_self_approval: bool = False
    """Whether who wrote a draft of routing rules may publish it."""
    promise_self_approval: bool = False
    """Whether who wrote a draft of rules of promising may publish it."""
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    poll_seconds: int = Field(default=30, ge=1)
    session_seconds: int = Field(default=900, ge=60)
    idempotency_days: int = Field(default=7, ge=1)
    mail_relay: str = Field(default="", pattern=r"^$|^[^\s:/@]+(:[0-9]{1,5})?$")
    """`host` or `host:port` of the SMTP relay; empty: mail is written to a file and not sent."""
    mail_from: str = Field(default="", pattern=r"^$|^[^\s@<>]+@[^\s@<>]+$")
    """The address that customers get mail from."""
    mail_starttls: bool = True
    """Whether the relay has to speak TLS; one without is for this machine only."""
    mail_user: str = ""
    mail_password: SecretStr | None = None
    """How central signs in at the relay, where it has to."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env files here
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the strongest first."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("availability_thresholds", "availability_feed_locations", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return given.split(",") if isinstance(given, str) else given

    @field_validator("availability_feed_locations")
    @classmethod
    def _named(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for one in given if (name := one.strip())))

    @field_validator("availability_thresholds")
    @classmethod
    def _ascends(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        if not given or given[0] != 1 or list(given) != sorted(set(given)):
            raise ValueError("1 (below it is sold out), then each more than the last: 1,5,20")
        return given

    @model_validator(mode="after")
    def _is_safe(self) -> "CentralSettings":
        secret = "" if self.server_secret is None else self.server_secret.get_secret_value()
        if not self.demo:
            if not secret:
                raise ValueError(f"server_secret is required: set {PREFIX}SERVER_SECRET")
            if secret == DEMO_SECRET:
                raise ValueError("server_secret is the demo's: choose one of your own")
        if secret and len(secret) < SECRET_LENGTH_MIN:
            raise ValueError(f"server_secret needs at least {SECRET_LENGTH_MIN} characters")
        if self.mail_relay and not self.mail_from:
            raise ValueError(f"mail_relay needs an address to send from: set {PREFIX}MAIL_FROM")
        if self.mail_user and not self.mail_starttls:
            raise ValueError("mail_user would send the password in the clear: leave mail_starttls")
        key = None if self.database_key is None else self.database_key.get_secret_value()
        if key is not None and (len(key) != KEY_DIGITS or not _is_hex(key)):
            raise ValueError("database_key must be 64 hexadecimal digits")
        return self

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'central.db'}"

    @property
    def escrow_policy(self) -> EscrowPolicy:
        """How new stores share their stock."""
        return EscrowPolicy(
            enabled=self.escrow,
            lease_ms=self.lease_minutes * MINUTE_MS,
            confirm_ms=self.confirm_minutes * MINUTE_MS,
        )

    @property
    def secret(self) -> str:
        """The server's secret; in the demo there is one that nobody should rely on."""
        return DEMO_SECRET if self.server_secret is None else self.server_secret.get_secret_value()

    @property
    def key(self) -> str | None:
        """The key of the SQLite file, None for a plain one."""
        return None if self.database_key is None else self.database_key.get_secret_value()

    @property
    def snapshots_dir(self) -> Path:
        """Where snapshots are built and kept."""
        return self.data_dir / "snapshots"


def load_settings(config_file: Path | None = None, **given: object) -> CentralSettings:
    """Return the settings: `given` (command-line options) over environment over file.

    Raises pydantic's `ValidationError`, `UnknownSetting`, `BadFile`, or
    `FileNotFoundError` for a file that was named and is not there.
    """
    _refuse_unknown(os.environ)
    if config_file is None:
        return CentralSettings(**given)  # type: ignore[arg-type]
    if not config_file.is_file():
        raise FileNotFoundError(f"there is no settings file {config_file}")

    class _WithFile(CentralSettings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return _WithFile(**given)  # type: ignore[arg-type]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise BadFile(f"{config_file}: {problem}") from problem


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in CentralSettings.model_fields}
    unknown = sorted(
        name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        raise UnknownSetting(f"unknown settings in the environment: {', '.join(unknown)}")


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)
