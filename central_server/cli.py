"""The command line of central.

Data goes to stdout, talk to stderr. Exit codes: 0 ok, 1 failure, 2 usage,
3 not found, 4 refused, 5 unreachable, 6 conflict, 75 try later. What is heavy
is imported by the command that needs it, so that `--help` answers at once.
"""

import contextlib
import errno
import json
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from central_server import (
    desk_cli,
    escrow_cli,
    promise_cli,
    routing_cli,
    till_cli,
    waiting_cli,
)

if TYPE_CHECKING:
    from central_server.bootstrap import Parts
    from central_server.config import CentralSettings

FAILURE, USAGE, NOT_FOUND, REFUSED, UNREACHABLE, CONFLICT, TRY_LATER = 1, 2, 3, 4, 5, 6, 75
PROGRAM = "central-server"
EPILOG = (
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 unreachable,"
    " 6 conflict, 75 try later."
)

app = typer.Typer(
    name=PROGRAM, no_args_is_help=True, epilog=EPILOG, pretty_exceptions_enable=False,
    help="The order management system of a retailer: orders, availability, and the sync of stores.",
)  # fmt: skip
devices = typer.Typer(no_args_is_help=True, help="The devices that stores work with.")
keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
codes = typer.Typer(no_args_is_help=True, help="One-time codes with which store devices enrol.")
app.add_typer(devices, name="device")
app.add_typer(keys, name="key")
app.add_typer(codes, name="enrolment-code")
_CONFIG: ContextVar[Path | None] = ContextVar("config", default=None)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _version(wanted: bool) -> None:
    if wanted:
        from central_server.bootstrap import app_version

        typer.echo(f"{PROGRAM} {app_version()}")
        raise typer.Exit


@app.callback()
def common(
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings as TOML; the environment is stronger.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember where the settings are."""
    _CONFIG.set(config)


@app.command(epilog=EPILOG)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the API and the sync of stores until SIGTERM or Ctrl+C.

    Example: HOLDSHELF_CENTRAL_SERVER_SECRET=... central-server serve --port 8470
    """
    given = {"host": host, "port": port}
    settings = _settings({name: one for name, one in given.items() if one is not None})
    with _opened(settings) as parts:
        _require_schema(parts, may_migrate=settings.demo)
        from central_server.jobs.serving import CannotListen, serve_until_stopped

        try:
            with parts.working():
                serve_until_stopped(
                    parts.app(), settings, before_exit=parts.central.pokes.close, say=_talk
                )
        except CannotListen as problem:
            _fail(CONFLICT, str(problem))


@app.command(epilog=EPILOG)
def migrate(as_json: AsJson = False) -> None:
    """Create the database or bring it to this version's schema. Repeating it is harmless."""
    with _opened(_settings()) as parts:
        before, expected = parts.schema()
        if before is not None and before > expected:
            _require_schema(parts)
        after = parts.migrate()
    said = "is up to date" if before == after else "was brought"
    _say({"before": before, "after": after}, f"The schema {said}: {after}", as_json=as_json)


@app.command(epilog=EPILOG)
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo keeps its data.")] = Path(
        "build/demo"
    ),
    script: Annotated[
        bool, typer.Option("--script", help="Play the scripted day even on a terminal.")
    ] = False,
) -> None:
    """Run a small retailer on this machine; without a terminal, a scripted day of it."""
    from central_server.demo.run import play

    is_interactive = sys.stdin.isatty() and sys.stdout.isatty() and not script
    raise typer.Exit(play(folder, interactive=is_interactive))


@app.command(epilog=EPILOG)
def doctor(as_json: AsJson = False) -> None:
    """Say what is well and what is not; exit with 1 if anything is not."""
    with _opened(_settings()) as parts:
        findings = parts.examine()
    lines = [f"{'ok ' if one.is_well else 'BAD'} {one.what}: {one.detail}" for one in findings]
    document = {one.what: {"ok": one.is_well, "detail": one.detail} for one in findings}
    _say(document, "\n".join(lines), as_json=as_json)
    if not all(one.is_well for one in findings):
        raise typer.Exit(FAILURE)


@app.command(epilog=EPILOG)
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    from central_server.app import build_api
    from central_server.bootstrap import app_version

    typer.echo(json.dumps(build_api(version=app_version()).openapi(), indent=2, sort_keys=True))


@keys.command("create", epilog=EPILOG)
def create_key(
    name: Annotated[str, typer.Option(help="Who will use it.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat for several.")],
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it, this once.

    Example: central-server key create --name webshop --scope orders:write --scope orders:read

    A vendor's key speaks for its own location alone: --scope vendor:V001
    """
    with _central_of_settings() as parts:
        try:
            key = parts.central.keys.create(name, tuple(dict.fromkeys(scope)))
        except ValueError as problem:
            _fail(USAGE, str(problem))
    _say({"key": key, "name": name, "scopes": scope}, key, as_json=as_json)


@keys.command("list", epilog=EPILOG)
def list_keys(as_json: AsJson = False) -> None:
    """List API keys, the oldest first: prefix, who uses it, what it may do, whether it lives."""
    from central_server.services.times import rfc3339

    with _central_of_settings() as parts:
        found = parts.central.keys.all()
    data: list[dict[str, Any]] = [
        {
            "id": one.id, "prefix": one.prefix, "name": one.name, "scopes": list(one.scopes),
            "created_at": rfc3339(one.created_ms),
            "revoked_at": None if one.revoked_ms is None else rfc3339(one.revoked_ms),
        }
        for one in found
    ]  # fmt: skip
    lines = [
        f"{one['prefix']}  {'lives' if one['revoked_at'] is None else 'revoked':8}"
        f" {one['name']}: {', '.join(one['scopes'])}, since {one['created_at']}"
        for one in data
    ]
    _say(data, "\n".join(lines) or "There is no API key yet: `key create`.", as_json=as_json)


@keys.command("revoke", epilog=EPILOG)
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its prefix, or its id; see `key list`.")],
    as_json: AsJson = False,
) -> None:
    """End an API key: leaked, or of a program that is gone. It is refused within ten seconds.

    The prefix is the part between the underscores: PREFIX of hs_PREFIX_SECRET.
    """
    from central_server.services.errors import NotFound

    with _central_of_settings() as parts:
        try:
            ended = parts.central.keys.revoke(key)
        except NotFound as problem:
            _fail(NOT_FOUND, str(problem))
    text = f"The key of {ended.name} ({ended.prefix}) is revoked."
    _say({"id": ended.id, "prefix": ended.prefix, "name": ended.name}, text, as_json=as_json)


@codes.command("create", epilog=EPILOG)
def create_code(
    location: Annotated[str, typer.Argument(help="Id of the store.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Retire the store's present device.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a one-time code with which one device may enrol at a store, for ten minutes."""
    from central_server.services.errors import UnknownLocation

    with _central_of_settings() as parts:
        try:
            made = parts.central.enrolment.create_code(location, replace=replace)
        except UnknownLocation as problem:
            _fail(NOT_FOUND, str(problem))
    _say(made, str(made["code"]), as_json=as_json)


@devices.command("list", epilog=EPILOG)
def list_devices(
    location: Annotated[str | None, typer.Option(help="Of this store only.")] = None,
    as_json: AsJson = False,
) -> None:
    """List devices, the newest first, with how far each has come."""
    with _central_of_settings() as parts:
        found = parts.devices.all(location)
    lines = [
        f"{one['location_id']:8} {one['id']:28} {'enrolled' if one['enabled'] else 'shut out':9}"
        f" at {one['last_seq']}, {one['backlog']} waiting"
        for one in found
    ]
    _say(found, "\n".join(lines), as_json=as_json)


@devices.command("revoke", epilog=EPILOG)
def revoke_device(
    device: Annotated[str, typer.Argument(help="Id of the device; see `device list`.")],
    as_json: AsJson = False,
) -> None:
    """Shut a device out at once: stolen, or given up. What it still hands in waits for a person."""
    from central_server.services.errors import NotFound

    with _central_of_settings() as parts:
        try:
            revoked = parts.devices.revoke(device)
        except NotFound as problem:
            _fail(NOT_FOUND, str(problem))
    _say(revoked, f"{device} is shut out; its store needs a new enrolment.", as_json=as_json)


@app.command(epilog=EPILOG)
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; replaced when it is whole.")],
    as_json: AsJson = False,
) -> None:
    """Copy the embedded database while central works. An encrypted one stays encrypted.

    Example: central-server backup /backup/central-monday.db
    """
    from central_server import bootstrap

    settings = _settings()
    with _copying(file):
        bootstrap.back_up(settings, file)
    size = file.stat().st_size
    _say({"file": str(file), "bytes": size}, f"{file}: {size} bytes, whole", as_json=as_json)


@app.command(epilog=EPILOG)
def restore(
    file: Annotated[Path | None, typer.Argument(help="A copy that `backup` made.")] = None,
    verify: Annotated[
        bool, typer.Option(help="Reckon books, chains and feeds anew afterwards.")
    ] = True,
    mark: Annotated[
        bool, typer.Option("--mark", help="A server's database was restored by its own tools.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the database's place; central must not run. Stores then send what it lost.

    Every store hears of it by central's new incarnation: it sends again what the copy
    does not have, and reads its rows anew. A copy of an older version is brought to this
    one's schema, one of a newer version is refused. With PostgreSQL, restore with its own tools
    while central is stopped, then run `restore --mark`.
    """
    from central_server import bootstrap

    if (file is None) == (not mark):
        _fail(USAGE, "name the copy to restore, or --mark after a restore by other tools")
    settings, kept = _settings(), None
    if file is not None:
        with _copying(file):
            kept = bootstrap.restore(settings, file)
    words = ["Restored, in a new life.", *([f"What was there is kept: {kept}"] if kept else [])]
    with contextlib.ExitStack() as told:
        if file is not None:  # also where what follows fails: the copy is in its place
            told.callback(_talk, "\n".join([*words, f"Run `{PROGRAM} migrate` before you serve."]))
        with _opened(settings) as parts:
            if (before := parts.schema()[0]) is None:
                _fail(REFUSED, "there is no central in this database: put its copy there first")
            _require_schema(parts, may_migrate=True)
            if mark:
                parts.begin_new_life()
            wrong, after = parts.verify() if verify else [], parts.schema()[0]
        told.pop_all()
    if before != after:
        words.append(f"Its schema was {before} and was brought to {after}.")
    said = {
        "restored": str(file or "marked"), "kept": str(kept or ""), "wrong": wrong,
        "before": before, "after": after,
    }  # fmt: skip
    _say(said, "\n".join([*words, *wrong]), as_json=as_json)
    if wrong:
        raise typer.Exit(FAILURE)


@contextlib.contextmanager
def _copying(file: Path) -> Iterator[None]:
    from central_server.bootstrap import BACKUP_PROBLEMS

    try:
        yield
    except BACKUP_PROBLEMS as problem:
        _fail(REFUSED, str(problem))
    except OSError as problem:
        code = TRY_LATER if problem.errno == errno.ENOSPC else FAILURE
        _fail(code, f"{problem.filename or file}: {problem.strerror}")


@app.command("load-sample", epilog=EPILOG)
def load_sample(as_json: AsJson = False) -> None:
    """Load the sample network into a demo's database, never into a real one: PINs are public."""
    settings = _settings()
    if not settings.demo:
        _fail(REFUSED, "the sample's PINs are public: set HOLDSHELF_CENTRAL_DEMO=true for a demo")
    with _opened(settings) as parts:
        _require_schema(parts)
        counts = dict(parts.load_sample())
    words = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    _say(counts, f"Loaded {words}", as_json=as_json)


def _settings(given: dict[str, Any] | None = None) -> "CentralSettings":
    from pydantic import ValidationError

    from central_server.config import BadFile, UnknownSetting, load_settings

    try:
        return load_settings(_CONFIG.get(), **(given or {}))
    except ValidationError as problem:
        _fail(USAGE, "; ".join(_wrong(one["loc"], one["msg"]) for one in problem.errors()))
    except (UnknownSetting, BadFile) as problem:
        _fail(USAGE, str(problem))
    except FileNotFoundError as problem:
        _fail(NOT_FOUND, str(problem))


def _wrong(where: tuple[int | str, ...], what: str) -> str:
    name = ".".join(str(part) for part in where)
    return f"setting {name!r}: {what}" if name else what


def _require_schema(parts: "Parts", *, may_migrate: bool = False) -> None:
    """End unless the database is at this version's schema: an older or newer one is left alone.

    A demo's is brought up: it holds nobody's data, and who runs it has no other command.
    """
    found, expected = parts.schema()
    if found is not None and found > expected:
        _fail(REFUSED, f"the database is at {found}, newer than this version's {expected}")
    if found != expected and may_migrate:
        parts.migrate()
    elif found != expected:
        _fail(REFUSED, f"the database is at {found or 'no schema'}: run `{PROGRAM} migrate`")


@contextlib.contextmanager
def _opened(settings: "CentralSettings") -> "Iterator[Parts]":
    from central_server.bootstrap import CannotOpen, NotNow, opened

    try:
        with opened(settings) as parts:
            yield parts
    except CannotOpen as problem:
        near = TRY_LATER if problem.will_pass else FAILURE
        _fail(UNREACHABLE if problem.is_far else near, str(problem))
    except NotNow as problem:
        _fail(TRY_LATER, str(problem))


def _say(document: Any, text: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(document) if as_json else text)


def _talk(text: str) -> None:
    typer.echo(text, err=True)


def _fail(code: int, text: str) -> NoReturn:
    typer.echo(f"{PROGRAM}: {text}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line."""
    _mount_import(is_wanted="import" in sys.argv[1:])
    app()


def _mount_import(*, is_wanted: bool) -> None:
    """Mount `import`, whose options are the importer's own business; else only its name."""
    if is_wanted:
        from central_server.importing.cli import register

        register(app, _central_of_settings)
        return

    @app.command("import", epilog=EPILOG)
    def import_() -> None:
        """Import products, locations, prices, stock, associates or orders from files."""


@contextlib.contextmanager
def _central_of_settings() -> "Iterator[Parts]":
    with _opened(_settings()) as parts:
        _require_schema(parts)
        yield parts


_LINE = desk_cli.Line(_central_of_settings, _say, _fail, EPILOG)
desk_cli.register(app, _LINE)
escrow_cli.register(app, _LINE)
promise_cli.register(app, _LINE)
routing_cli.register(app, _LINE)
till_cli.register(app, _LINE)
waiting_cli.register(app, _LINE)

if __name__ == "__main__":
    main()
