"""`central-server import`: the options, the progress bar, the summary, the exit code."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from central_server.importing.job import ImportOptions, ImportRun, Stages, Target, quiet
from central_server.importing.local import LocalPlacer
from central_server.importing.places import FAR_KM
from central_server.importing.problems import (
    EXIT_FAILED,
    EXIT_NOT_FOUND,
    EXIT_REFUSED,
    EXIT_USAGE,
    ImportFailed,
)
from central_server.importing.records import KINDS
from central_server.importing.remote import RemotePlacer
from central_server.importing.reports import ImportSummary
from central_server.importing.runner import BATCH
from central_server.importing.sinks import Policy
from central_server.importing.transforms import FACTORIES
from sync.clock import SystemClock

if TYPE_CHECKING:
    from central_server.bootstrap import Parts

BYTE_ORDER_MARK = "\ufeff"
"""What editors of Windows write before a text."""

OpenCentral = Callable[[], "AbstractContextManager[Parts]"]
"""Opens the central that the command line's settings name."""

Whole = Annotated[
    bool, typer.Option("--whole", help="Stock: what it leaves out of its locations is gone.")
]
Yes = Annotated[bool, typer.Option("--yes", help="With --whole: also if that is most of it.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 if any row was bad.")]

_HELP = f"""Import {", ".join(KINDS)} from CSV (.csv, .csv.gz) or Parquet.

Good rows are written in batches; bad ones are reported with their row number and
never stop the others. An interrupted import of the same file goes on where it was.
What a file says nothing of, by column or by an empty cell, stays as it was for
products, locations, stock and associates that central knows. A file of stock that
has all of it says so with --whole: what it leaves out of its locations is counted as none.

Examples: central-server import products items.csv.gz --map items.toml --report bad.csv
· central-server import stock counts.csv --column on_hand=qty
· central-server import orders orders.parquet --via http://127.0.0.1:8470 --api-key-file key

Columns may be followed by transforms: --column "gtins=upc | gtin:drop". There are:
{", ".join(sorted(FACTORIES))}.

Exit codes: 0 imported (bad rows or not, unless --strict), 1 failed, 2 usage,
3 no such file, 4 refused, 5 central unreachable, 6 another import of the kind
goes on, 130 interrupted.
"""


def register(app: typer.Typer, open_central: OpenCentral) -> None:
    """Mount the command `import` on `app`."""

    @app.command("import", help=_HELP)
    def import_(  # noqa: PLR0917 - a command has as many options as it has
        kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
        file: Annotated[Path, typer.Argument(help=".csv, .csv.gz or .parquet.")],
        map_file: Annotated[
            Path | None, typer.Option("--map", help="The mapping, as TOML.")
        ] = None,
        column: Annotated[
            list[str] | None, typer.Option(help="FIELD=COLUMN, on top of the mapping.")
        ] = None,
        encoding: Annotated[str, typer.Option(help="Of a CSV file.")] = "utf-8-sig",
        delimiter: Annotated[
            str | None, typer.Option(help="Of a CSV file; found by itself as a rule.")
        ] = None,
        centroids: Annotated[
            Path | None,
            typer.Option(help="ZIP areas (zcta5, lat, lon, timezone) to check locations against."),
        ] = None,
        far_km: Annotated[
            float, typer.Option(help="How far a location may be from its ZIP area.")
        ] = FAR_KM,
        report: Annotated[
            Path | None, typer.Option(help="Write every problem to this CSV file.")
        ] = None,
        batch: Annotated[int, typer.Option(help="Rows per transaction.")] = BATCH,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, write nothing.")] = False,
        again: Annotated[
            bool, typer.Option("--again", help="Import a finished file once more.")
        ] = False,
        whole: Whole = False,
        yes: Yes = False,
        strict: Strict = False,
        via: Annotated[
            str | None, typer.Option(help="Orders: place them over HTTP at this central.")
        ] = None,
        api_key_file: Annotated[
            Path | None, typer.Option(help="With --via: a file with the API key, - for stdin.")
        ] = None,
        threads: Annotated[int, typer.Option(min=1, max=64, help="With --via.")] = 1,
        as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
    ) -> None:
        options = ImportOptions(
            kind=kind, file=file, map_file=map_file, columns=tuple(column or ()),
            encoding=encoding, delimiter=delimiter, centroids=centroids, far_km=far_km,
            report=report, batch=batch, dry_run=dry_run, again=again, threads=threads,
            whole=whole, sure=yes,
        )  # fmt: skip
        try:
            summary = _run(options, via, api_key_file, open_central)
        except ImportFailed as failed:
            typer.echo(f"central-server import: {failed}", err=True)
            raise typer.Exit(failed.exit_code) from failed
        _say(summary, as_json=as_json)
        if strict and (summary.counts.bad or summary.counts.orders_refused):
            raise typer.Exit(EXIT_FAILED)


def _run(
    options: ImportOptions, via: str | None, api_key_file: Path | None, open_central: OpenCentral
) -> ImportSummary:
    clock = SystemClock()
    with _progress() as stages:
        run = ImportRun(options, clock, stages)
        if options.dry_run:
            return run.check_only()
        if via is not None:
            if options.kind != "orders":
                raise ImportFailed("--via is for orders", EXIT_USAGE)
            placer = RemotePlacer(via, _api_key(api_key_file), clock)
            with contextlib.closing(placer):
                return run.orders_to(placer)
        with open_central() as parts:
            found, expected = parts.schema()
            if found != expected:
                raise ImportFailed("run `central-server migrate` first", EXIT_REFUSED)
            if options.kind == "orders":
                return run.orders_to(LocalPlacer(parts.central.orders))
            settings = parts.settings
            policy = Policy(
                settings.floor_percent, settings.safety_stock, settings.hold_days,
                settings.escrow_policy, settings.currency,
            )  # fmt: skip
            return run.into(Target(parts.database, parts.intake, policy, parts.random))


def _api_key(file: Path | None) -> str:
    if file is None:
        raise ImportFailed("--via needs --api-key-file", EXIT_USAGE)
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as problem:
        raise ImportFailed(f"the API key cannot be read: {problem}", EXIT_NOT_FOUND) from problem
    except UnicodeError as problem:
        raise ImportFailed(f"{file} holds no API key", EXIT_USAGE) from problem
    key = text.removeprefix(BYTE_ORDER_MARK).strip()
    if not (key.isascii() and key.isprintable()):
        raise ImportFailed(f"{file} holds no API key", EXIT_USAGE)
    return key


@contextlib.contextmanager
def _progress() -> Iterator[Stages]:
    """Show a bar on stderr where somebody sees it."""
    if not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:

        def begin(name: str, total: int | None) -> Callable[[int], None]:
            task = bar.add_task(name, total=total)
            return lambda done: bar.update(task, completed=done)

        yield begin


def _say(summary: ImportSummary, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(summary.document()))
        return
    counts = summary.counts
    if summary.already_done:
        typer.echo(f"{summary.file}: imported already; --again imports it once more")
        return
    what = "would be written" if summary.dry_run else "written"
    typer.echo(
        f"{summary.file}: {counts.rows} rows: {counts.written} {what},"
        f" {counts.unchanged} unchanged, {counts.bad} bad, {counts.duplicates} duplicates,"
        f" {counts.skipped} skipped; {counts.warnings} values left out"
    )
    if summary.kind == "orders" and not summary.dry_run:
        typer.echo(f"{counts.orders} orders stand at central, {counts.orders_refused} were refused")
    if counts.emptied:
        typer.echo(f"{counts.emptied} SKUs of its locations were left out: there are none of them")
    for problem in summary.first_problems:
        typer.echo(f"  row {problem.row}: {problem.column} {problem.value!r}: {problem.problem}")
    if summary.report:
        typer.echo(f"All problems: {summary.report}")
