"""The command line's part for people who work off exceptions and the quarantine."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

if TYPE_CHECKING:
    from central_server.bootstrap import Parts
    from sync.domain.ids import OpId

USAGE, NOT_FOUND, REFUSED, CONFLICT = 2, 3, 4, 6
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
By = Annotated[str, typer.Option(help="Who you are, for the record.", envvar="USER")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many.")]
Place = Annotated[str, typer.Argument(help="Which operation: replica/epoch/seq.")]


@dataclass(frozen=True, slots=True)
class Line:
    """What these commands need of the command line."""

    opened: Callable[[], "AbstractContextManager[Parts]"]
    say: Callable[..., None]
    fail: Callable[[int, str], NoReturn]
    epilog: str


def register(app: typer.Typer, line: Line) -> None:
    """Mount `exceptions` and `quarantine`."""
    exceptions = typer.Typer(no_args_is_help=True, help="What waits for a person.")
    quarantine = typer.Typer(no_args_is_help=True, help="Operations that could not be processed.")
    app.add_typer(exceptions, name="exceptions")
    app.add_typer(quarantine, name="quarantine")
    _register_exceptions(exceptions, line)
    _register_carriers(app, line)
    _register_lists(quarantine, line)
    _register_decisions(quarantine, line)


def _register_carriers(app: typer.Typer, line: Line) -> None:
    @app.command(epilog=line.epilog)
    def carriers(
        file: Annotated[Path, typer.Argument(help="JSON with carriers, rates and pickups.")],
        yes: Annotated[
            bool, typer.Option("--yes", help="Also where places that ship would ship no more.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Set which carriers come where and when, and what they cost.

        A file is whole: rates and pickups that it does not name are gone.
        """
        from central_server.services.carrier_file import (
            BadCarriers,
            StopsShipping,
            read_carriers,
            stopped_words,
        )

        try:
            found = read_carriers(file.read_text(encoding="utf-8"))
        except OSError as problem:
            line.fail(NOT_FOUND, f"{file}: {problem.strerror}")
        except UnicodeError:
            line.fail(USAGE, f"{file} is not UTF-8")
        except BadCarriers as problem:
            line.fail(USAGE, f"{file}: {problem}")
        with line.opened() as parts:
            try:
                done = parts.intake.carriers(found, may_stop=yes)
            except StopsShipping as problem:
                line.fail(REFUSED, f"By {file} {problem}. Nothing is set; --yes sets it.")
        document = {
            "carriers": len(found.carriers), "rates": len(found.rates), "ship": done.ship,
            "stopped": list(done.stopped),
        }  # fmt: skip
        words = (
            f"{len(found.carriers)} carriers, {len(found.rates)} rates; {done.ship} places ship."
        )
        if done.stopped:
            words += f" {stopped_words(done.stopped)}."
        line.say(document, words, as_json=as_json)


def _register_exceptions(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_exceptions(
        owner: Annotated[str | None, typer.Option(help="central or store.")] = None,
        location: Annotated[str | None, typer.Option(help="Id of the store.")] = None,
        closed: Annotated[bool, typer.Option("--closed", help="Show what is closed.")] = False,
        limit: Limit = 100,
        as_json: AsJson = False,
    ) -> None:
        """List what waits for a person, the most urgent first."""
        from central_server.records import ExceptionFilter

        wanted = ExceptionFilter(owner=owner, location_id=location, is_open=not closed)
        with line.opened() as parts:
            found, _ = parts.central.exceptions.page(wanted, None, limit)
        lines = [
            f"{one['id']}  due {one['due_at']}  {one['owner']:7}  {one['title']}: {one['text']}"
            for one in found
        ]
        line.say(found, "\n".join(lines) or "Nothing waits.", as_json=as_json)

    @group.command("resolve", epilog=line.epilog)
    def resolve_exception(
        exception_id: Annotated[str, typer.Argument(help="Id of the exception.")],
        note: Annotated[str, typer.Option(help="What was done.")],
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Close an exception and say what was done. Repeating it is harmless."""
        with line.opened() as parts, _refusals(line):
            done = parts.central.exceptions.resolve(exception_id, note=note, by=by)
        line.say(done, f"Closed: {done['title']}", as_json=as_json)


def _register_lists(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_quarantine(
        location: Annotated[str | None, typer.Option(help="Id of the store.")] = None,
        limit: Limit = 100,
        as_json: AsJson = False,
    ) -> None:
        """List operations in quarantine, and those that wait behind them."""
        with line.opened() as parts:
            found, _ = parts.central.quarantine.page(location, None, limit)
        lines = [
            f"{one['replica_id']}/{one['epoch']}/{one['seq']}  {one['location_id']}"
            f"  {one['kind'] or 'unreadable'}  {one['text']}"
            for one in found
        ]
        line.say(found, "\n".join(lines) or "Nothing is in quarantine.", as_json=as_json)


def _register_decisions(group: typer.Typer, line: Line) -> None:
    @group.command("retry", epilog=line.epilog)
    def retry_operation(place: Place, by: By = "command line", as_json: AsJson = False) -> None:
        """Judge an operation again, and those that wait behind it. Repeating it is harmless.

        Example: central-server quarantine retry 01JD8Z2Q/1/4711 --by "Service desk"
        """
        op_id = _op_id(place, line)
        with line.opened() as parts, _refusals(line):
            done = parts.central.quarantine.retry(op_id, by=by)
        _say_settled(done, line, as_json=as_json)

    @group.command("retry-all", epilog=line.epilog)
    def retry_all(
        device: Annotated[str, typer.Argument(help="Id of the device; see `device list`.")],
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Judge all again that is held back of a device: one that was shut out, say.

        Its sales and its work on orders count by the normal rules. What it granted central
        does not: another device speaks for the store now.
        """
        with line.opened() as parts, _refusals(line):
            done = parts.central.quarantine.retry_all(device, by=by)
        settled = cast("list[object]", done["settled"])
        text = f"{len(settled)} settled, {done['held']} still held back"
        line.say(done, text, as_json=as_json)
        if done["held"]:
            raise typer.Exit(REFUSED)

    @group.command("skip", epilog=line.epilog)
    def skip_operation(
        place: Place,
        reason: Annotated[str, typer.Option(help="Why; the store reads it.")],
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Set an operation aside for good, for a reason; those that wait behind it go on."""
        if not reason.strip():
            line.fail(USAGE, "say why: --reason TEXT")
        op_id = _op_id(place, line)
        with line.opened() as parts, _refusals(line):
            done = parts.central.quarantine.skip(op_id, by=by, reason=reason.strip())
        _say_settled(done, line, as_json=as_json)


def _op_id(place: str, line: Line) -> "OpId":
    from sync.domain.ids import OpId

    replica_id, _, rest = place.strip().partition("/")
    epoch, _, seq = rest.partition("/")
    if not (replica_id and epoch.isdecimal() and seq.isdecimal()):
        line.fail(USAGE, f"{place!r} is not replica/epoch/seq")
    return OpId(replica_id, int(epoch), int(seq))


def _say_settled(done: dict[str, Any], line: Line, *, as_json: bool) -> None:
    operation = done["operation"]
    lines = [f"{operation['status']}: {operation['text']}"]
    lines += [f"  {one['seq']} {one['status']}: {one['text']}" for one in done["settled"]]
    line.say(done, "\n".join(lines), as_json=as_json)
    if operation["status"] == "quarantined":
        raise typer.Exit(REFUSED)


@contextlib.contextmanager
def _refusals(line: Line) -> Iterator[None]:
    """Turn what a use case refuses into a sentence and an exit code."""
    from central_server.services.errors import AlreadyClosed, AlreadySettled, NotFound, WaitsBehind
    from sync.domain.errors import DomainError

    try:
        yield
    except NotFound as problem:
        line.fail(NOT_FOUND, str(problem))
    except (AlreadyClosed, AlreadySettled, WaitsBehind) as problem:
        line.fail(CONFLICT, str(problem))
    except DomainError as problem:
        line.fail(REFUSED, str(problem))
