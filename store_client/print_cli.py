"""The command line's part for printing: what waits, once more, elsewhere, no more."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.order_cli import NOT_FOUND, REFUSED, AsJson, By, Line, refusal_words
from sync.domain.errors import OperationRefused

if TYPE_CHECKING:
    from store_client.devices import PrintJob
    from store_client.services.desk import Desk

Job = Annotated[int, typer.Argument(help="The number of the job, as `print list` says it.")]
To = Annotated[str, typer.Option("--printer", help="On which printer; the same one unless said.")]


def register(app: typer.Typer, line: Line) -> None:
    """Mount `print`."""
    group = typer.Typer(no_args_is_help=True, help="Printing: what waits, copies, pick lists.")
    app.add_typer(group, name="print")
    _register_reading(group, line)
    _register_doing(group, line)


def _register_reading(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_jobs(context: typer.Context, as_json: AsJson = False) -> None:
        """List what waits for a printer, then what was printed."""
        jobs = line.with_desk(context, "", lambda desk: desk.devices.queue.jobs())
        if as_json:
            typer.echo(json.dumps([document(job) for job in jobs]))
        for job in () if as_json else jobs:
            copy = " (copy)" if job.is_copy else ""
            why = f"  {job.problem}" if job.problem else ""
            typer.echo(f"{job.id:6} {job.state.value:9} {job.printer:12} {job.name}{copy}{why}")


def _register_doing(group: typer.Typer, line: Line) -> None:
    @group.command(epilog=line.epilog)
    def again(
        context: typer.Context, job: Job, by: By, printer: To = "", as_json: AsJson = False
    ) -> None:
        """Print a job now; one that may be on paper already is marked COPY."""
        from store_client.services.printing import print_again

        done = _about(line, context, by, job, lambda desk: print_again(desk, job, printer))
        typer.echo(json.dumps(document(done)) if as_json else f"{done.name}: {done.state.value}")

    @group.command(epilog=line.epilog)
    def cancel(context: typer.Context, job: Job, by: By, as_json: AsJson = False) -> None:
        """Print a job no more."""
        from store_client.services.printing import cancel_print

        done = _about(line, context, by, job, lambda desk: cancel_print(desk, job))
        typer.echo(json.dumps(document(done)) if as_json else f"{done.name}: {done.state.value}")

    @group.command("pick-list", epilog=line.epilog)
    def pick_list(context: typer.Context, by: By, as_json: AsJson = False) -> None:
        """Print a list of everything that is to be picked, along the aisles."""
        from store_client.services.printing import print_pick_list
        from sync.domain.flows import ALL_FLOWS

        flows = [flow.name for flow in ALL_FLOWS]
        says = _guarded(line, context, by, lambda desk: print_pick_list(desk, flows))
        typer.echo(json.dumps({"says": says}) if as_json else says)


def _about(
    line: Line, context: typer.Context, by: str, job: int, do: Callable[["Desk"], None]
) -> "PrintJob":
    """Do something with a job and return it as it is then."""

    def act(desk: "Desk") -> "PrintJob | None":
        if _find(desk, job) is None:
            return None
        do(desk)
        return _find(desk, job)

    found: PrintJob | None = _guarded(line, context, by, act)
    if found is None:
        line.fail(NOT_FOUND, f"there is no print job {job}")
    return found


def _guarded(line: Line, context: typer.Context, by: str, act: Callable[["Desk"], Any]) -> Any:
    try:
        return line.with_desk(context, by, act)
    except OperationRefused as problem:
        line.fail(REFUSED, refusal_words(problem))


def _find(desk: "Desk", job: int) -> "PrintJob | None":
    return next((one for one in desk.devices.queue.jobs() if one.id == job), None)


def document(job: "PrintJob") -> dict[str, Any]:
    """Return a job for programs; never what is printed."""
    return {
        "id": job.id, "kind": job.kind.value, "name": job.name, "printer": job.printer,
        "state": job.state.value, "copy": job.is_copy, "tries": job.tries,
        "problem": job.problem, "created_ms": job.created_ms,
    }  # fmt: skip
