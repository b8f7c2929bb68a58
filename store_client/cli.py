"""The command line of a store machine.

Data goes to stdout, talk to stderr. Exit codes: 0 ok, 1 failure, 2 usage,
3 not found, 4 refused, 5 unreachable, 6 conflict, 75 try later.
"""

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from store_client import (
    bootstrap,
    curbside_cli,
    inbox_cli,
    order_cli,
    pickup_cli,
    print_cli,
    ship_cli,
    till_cli,
)
from store_client.config import BadSettings, StoreSettings, load_settings
from store_client.keeper import DaemonKeeper
from sync.domain.errors import OperationRefused
from sync.edge.sqlite import NoRoom, UnsafeDatabase
from sync.protocol import errors

T = TypeVar("T")
FAILURE, USAGE, NOT_FOUND, REFUSED, UNREACHABLE, CONFLICT, TRY_LATER = 1, 2, 3, 4, 5, 6, 75

EPILOG = (
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 unreachable,"
    " 6 conflict, 75 try later."
)
app = typer.Typer(
    name="store-client", no_args_is_help=True, add_completion=True, epilog=EPILOG,
    help="The terminal of a store, and the daemon that keeps it in step with central.",
    pretty_exceptions_enable=False,
)  # fmt: skip
app.add_typer(till_cli.drawer_app, name="drawer")
app.add_typer(till_cli.reserve_app, name="reserve")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"store-client {bootstrap.APP_VERSION}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder of this store's files.", show_default=False),
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read the settings that every command needs."""
    try:
        context.obj = load_settings(data_dir)
    except BadSettings as problem:
        _fail(USAGE, str(problem))


@app.command(epilog=EPILOG)
def enrol(
    context: typer.Context,
    central: Annotated[str, typer.Option(help="Address of central, such as https://oms.example.")],
    code_file: Annotated[
        Path | None,
        typer.Option(help="File with the one-time code; - is stdin. Or HOLDSHELF_ENROLMENT_CODE."),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Enrol again under a new name, work and all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make this machine a store's terminal, with a one-time code from central.

    A machine that central shut out, or that is a copy of another one, is enrolled
    again with a new code: what it has not sent is sent under its new name.
    """
    settings: StoreSettings = context.obj
    code = _read_code(code_file)
    try:
        name = _guarded(lambda: bootstrap.enrol(settings, central.rstrip("/"), code, anew=anew))
    except (bootstrap.AlreadyEnrolled, bootstrap.DaemonRuns) as problem:
        _fail(CONFLICT, str(problem))
    _first_round(settings)
    if as_json:
        typer.echo(json.dumps({"location_name": name, "data_dir": str(settings.data_dir)}))
    else:
        typer.echo(f"This machine is now a terminal of {name}.")


def _read_code(code_file: Path | None) -> str:
    if code_file is not None:
        text = sys.stdin.read() if str(code_file) == "-" else _read(code_file)
        return text.strip()
    code = os.environ.get("HOLDSHELF_ENROLMENT_CODE", "").strip()
    if code:
        return code
    if not sys.stdin.isatty():
        _fail(USAGE, "give the code with --code-file FILE, or in HOLDSHELF_ENROLMENT_CODE")
    return str(typer.prompt("Enrolment code", err=True)).strip()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        _fail(NOT_FOUND, f"{path}: {problem.strerror}")
    except UnicodeError:
        _fail(USAGE, f"{path} holds no code")


def _first_round(settings: StoreSettings) -> None:
    """Fetch the store's data right away; if it fails, the daemon will do it."""
    running = bootstrap.build_daemon(settings)
    try:
        report = running.process.daemon.run_once()
    finally:
        running.close()
    if not report.ok:
        typer.echo(f"Enrolled; the store's data will follow: {report.error}", err=True)


@app.command(epilog=EPILOG)
def run(context: typer.Context) -> None:
    """Open the terminal. Sees to it that a sync daemon runs meanwhile."""
    settings: StoreSettings = context.obj
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        _fail(USAGE, "the terminal needs a screen: run it in a terminal window (or use `status`)")
    store = _guarded(lambda: bootstrap.open_store(settings))
    keeper = DaemonKeeper(lambda: bootstrap.start_daemon(settings))
    terminal = bootstrap.build_app(settings, store, when_shown=keeper.start)
    try:
        terminal.run()
    finally:
        store.close()
        keeper.stop()
    raise typer.Exit(terminal.return_code or 0)


@app.command(epilog=EPILOG)
def sync(
    context: typer.Context,
    once: Annotated[bool, typer.Option(help="Do one round and end.")] = False,
    parent: Annotated[int | None, typer.Option(help="End with this process.", hidden=True)] = None,
    as_json: AsJson = False,
) -> None:
    """Keep this store in step with central, in the background. Ends on SIGTERM."""
    from store_client.logs import log_as_json

    log_as_json()
    settings: StoreSettings = context.obj
    try:
        running = _guarded(lambda: bootstrap.build_daemon(settings, parent_pid=parent))
    except bootstrap.DaemonRuns as problem:
        _fail(CONFLICT, str(problem))
    try:
        if once:
            report = running.process.daemon.run_once()
            typer.echo(json.dumps(asdict(report)) if as_json else _round_words(report))
            raise typer.Exit(0 if report.ok else UNREACHABLE)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: running.process.stop())
        running.process.run()
    finally:
        running.close()


def _round_words(report: Any) -> str:
    if not report.ok:
        return f"Central is out of reach: {report.error}"
    return f"In step with central: {report.sent} operations sent, {report.rows} rows received."


@app.command(epilog=EPILOG)
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how this store stands with central."""
    settings: StoreSettings = context.obj
    store = _guarded(lambda: bootstrap.open_store(settings))
    try:
        state = store.sync_state()
        facts = {
            "location_id": store.location_id,
            "replica_id": store.replica_id,
            "app_version": bootstrap.APP_VERSION,
            "now_ms": store.clock.now_ms(),
            "head_seq": store.journal.head().seq,
            "acked_seq": store.journal.acked_seq(),
            **asdict(state),
            "sales_taken": store.sales_taken(),
            "sales_failed": bootstrap.failed_sales(settings),
        }
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name:16} {value}")


@app.command(epilog=EPILOG)
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check this machine: engine, files, key, disk, clock, daemon, backlog, printing."""
    from store_client.services.doctor import examine

    settings: StoreSettings = context.obj
    store = _guarded(lambda: bootstrap.open_store(settings))
    try:
        prints = bootstrap.hardware_beside(settings, store).devices.queue.jobs()
        findings = examine(
            store, bootstrap.failed_sales(settings), prints, bootstrap.sales_problem(settings)
        )
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'BAD '} {finding.name:14} {finding.text}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else FAILURE)


@app.command(epilog=EPILOG)
def sell(
    context: typer.Context,
    transaction: Annotated[str, typer.Option(help="The till's own number, never used twice.")],
    sku: Annotated[list[str], typer.Option(help="SKU or barcode; once for each item.")],
    quantity: Annotated[list[int], typer.Option(help="Units, in the same order; negative: back.")],
    override_by: Annotated[
        str, typer.Option(help="Lead or manager who answers; PIN from HOLDSHELF_PIN, or asked.")
    ] = "",
    breaks: Annotated[str, typer.Option(help="The order that gives way.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record a sale at the till, once for each transaction number."""
    settings: StoreSettings = context.obj
    if len(sku) != len(quantity):
        _fail(USAGE, "give one --quantity for each --sku")
    if breaks and not override_by:
        _fail(USAGE, "--breaks needs --override-by: somebody has to answer for it")
    override_by = override_by.strip()
    pin = order_cli.read_pin(override_by) if override_by else ""
    store = _guarded(lambda: bootstrap.open_store(settings))
    told = bootstrap.TypedSale(transaction, tuple(zip(sku, quantity, strict=True)))
    try:
        with order_cli.recording(store, _fail):
            kept = bootstrap.sell(settings, store, told, override_by, pin, breaks)
    except ValueError as problem:
        _fail(USAGE, str(problem))
    except OperationRefused as problem:
        code = CONFLICT if problem.code == "transaction_conflict" else REFUSED
        _fail(code, order_cli.refusal_words(problem))
    finally:
        store.close()
    if as_json:
        typer.echo(json.dumps(kept))
        return
    again = " already" if kept["known"] else ""
    over = " It is over what was free: central is told." if kept["over"] else ""
    typer.echo(f"Sale {transaction} is recorded{again}.{over}")


@app.command(epilog=EPILOG)
def digest(context: typer.Context) -> None:
    """Print this store's data as JSON, to be compared with central's digest of it."""
    from store_client.replica.digest import digest_of

    settings: StoreSettings = context.obj
    store = _guarded(lambda: bootstrap.open_store(settings))
    try:
        typer.echo(digest_of(store).model_dump_json())
    finally:
        store.close()


@app.command(epilog=EPILOG)
def backup(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder for the copy, on another disk.")],
    as_json: AsJson = False,
) -> None:
    """Copy this store's journal while it works. The copy is encrypted; keep store.key elsewhere."""
    from store_client.replica.copies import BadCopy

    settings: StoreSettings = context.obj
    try:
        copied = _guarded(lambda: bootstrap.back_up(settings, folder))
    except BadCopy as problem:
        _fail(REFUSED, str(problem))
    _say_copied(copied, f"{copied.path} holds everything up to operation {copied.seq}.", as_json)


@app.command(epilog=EPILOG)
def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder that `backup` wrote to.")],
    force: Annotated[
        bool, typer.Option("--force", help="Even where the journal in place is whole and newer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a copy of the journal back, with terminals and daemon closed.

    At the next contact the store gets its own later operations back from central and
    goes on behind them; nothing counts twice. What was here is kept beside it.
    """
    from store_client.replica.copies import BadCopy, InUse, NotOlder

    settings: StoreSettings = context.obj
    try:
        copied = _guarded(lambda: bootstrap.restore(settings, folder, force=force))
    except (InUse, NotOlder) as problem:
        _fail(CONFLICT, str(problem))
    except BadCopy as problem:
        _fail(REFUSED, str(problem))
    _say_copied(copied, f"Restored up to operation {copied.seq}; the rest follows.", as_json)


def _say_copied(copied: Any, words: str, as_json: bool) -> None:
    document = {**asdict(copied), "path": str(copied.path)}
    typer.echo(json.dumps(document) if as_json else words)


@app.command(epilog=EPILOG)
def practice(
    context: typer.Context,
    steps: Annotated[int, typer.Option(min=1, help="Do at most this many steps.")] = 1_000_000,
    every: Annotated[float, typer.Option(min=0.0, help="Seconds between two steps.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Chance is drawn from this.")] = 1,
    forever: Annotated[bool, typer.Option(help="Wait for work instead of ending.")] = False,
    parent: Annotated[int | None, typer.Option(help="End with this process.", hidden=True)] = None,
) -> None:
    """Work the queue off as a practice associate, a JSON line a step. For training and demos."""
    settings: StoreSettings = context.obj
    store = _guarded(lambda: bootstrap.open_store(settings))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for done in bootstrap.practice(settings, store, seed, every, forever, parent):
            typer.echo(json.dumps({"at_ms": store.clock.now_ms(), "did": done}))
            sys.stdout.flush()
            steps -= 1
            if steps == 0:
                break
    finally:
        store.close()


def _guarded(call: Callable[[], T]) -> T:
    """Turn expected problems into a sentence and an exit code."""
    try:
        return call()
    except bootstrap.NotEnrolled as problem:
        _fail(NOT_FOUND, str(problem))
    except NoRoom as problem:
        _fail(TRY_LATER, str(problem))
    except UnsafeDatabase as problem:
        _fail(FAILURE, str(problem))
    except errors.TryLater as problem:
        _fail(TRY_LATER, str(problem))
    except errors.ProtocolRefused as problem:
        _fail(REFUSED, str(problem))
    except errors.ProtocolError as problem:
        _fail(UNREACHABLE, f"central cannot be reached: {problem}")
    except OSError as problem:
        _fail_of_files(problem)


def _fail_of_files(problem: OSError) -> NoReturn:
    """Say which file it is: there is no room for it, it is somebody else's, it is not there."""
    where = f"{problem.filename}: " if problem.filename else ""
    code = TRY_LATER if problem.errno == errno.ENOSPC else FAILURE
    _fail(code, f"{where}{problem.strerror or problem}")


def _fail(code: int, message: str) -> NoReturn:
    typer.echo(f"store-client: {message}", err=True)
    raise typer.Exit(code)


def _with_desk(context: typer.Context, by: str, act: Callable[[Any], T]) -> T:
    """Do something at the desk of this store: by whoever signs in, or nobody, who only reads."""
    settings: StoreSettings = context.obj
    pin = order_cli.read_pin(by) if by else ""
    store = _guarded(lambda: bootstrap.open_store(settings))
    try:
        if by:
            with order_cli.recording(store, _fail):
                return act(bootstrap.open_desk(settings, store, by, pin))
        return act(bootstrap.reading_desk(settings, store))
    finally:
        store.close()


def _with_central(context: typer.Context, ask: Callable[[Any], T]) -> T:
    """Ask central something that nobody else can answer; say what it says where it refuses."""
    from sync.protocol import errors

    settings: StoreSettings = context.obj
    store = _guarded(lambda: bootstrap.open_store(settings))
    try:
        with bootstrap.central_now(settings, store) as endpoint:
            return ask(endpoint)
    except errors.ProtocolRefused as problem:
        _fail(REFUSED, str(problem))
    except errors.ProtocolError as problem:
        _fail(UNREACHABLE, f"central has to be asked, and is out of reach: {problem}")
    except OSError as problem:
        _fail_of_files(problem)
    finally:
        store.close()


_LINE = order_cli.Line(_with_desk, _fail, EPILOG, _with_central)
till_cli.mount_payment(ship_cli.register(app, _LINE), EPILOG)
pickup_cli.register(app, _LINE)
curbside_cli.register(app, _LINE)
print_cli.register(app, _LINE)
inbox_cli.register(app, _LINE)
till_cli.register(_LINE)


def main() -> None:
    """Run the command line; Ctrl+C ends with 130."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
