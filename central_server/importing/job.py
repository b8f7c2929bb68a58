"""One import from its options to its summary; the command line only reads options and prints."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from central_server.importing.checker import RowChecker
from central_server.importing.mapping import ColumnMapping, load_mapping
from central_server.importing.order_history import OrderPlacer, OrderStage, place_orders
from central_server.importing.places import FAR_KM, load_centroids
from central_server.importing.problems import (
    EXIT_CONFLICT,
    EXIT_REFUSED,
    EXIT_USAGE,
    ImportFailed,
)
from central_server.importing.records import KINDS
from central_server.importing.reports import Counts, ImportSummary, ProblemReport
from central_server.importing.runner import BATCH, BATCH_MAX, DrySink, Progress, run_import
from central_server.importing.sinks import DatabaseSink, JobLog, Policy, taker_of
from central_server.importing.sources import Source, file_hash, open_source
from central_server.importing.whole import WholeStock
from sync.clock import Clock

if TYPE_CHECKING:
    from central_server.services.catalogue_intake import CatalogueIntake
    from central_server.storage.database import Database

Stages = Callable[[str, int | None], Progress]
"""Begins to show a stage, by its name and how much there is to do; returns whom to tell."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line says."""

    kind: str
    file: Path
    map_file: Path | None = None
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8-sig"
    delimiter: str | None = None
    centroids: Path | None = None
    far_km: float = FAR_KM
    report: Path | None = None
    batch: int = BATCH
    dry_run: bool = False
    again: bool = False
    """Import a file that was imported already once more."""
    threads: int = 1
    whole: bool = False
    """Stock: what the file leaves out of its locations is not there."""
    sure: bool = False
    """Also where that is most of what a location has."""


@dataclass(frozen=True, slots=True)
class Target:
    """The central that is imported into."""

    database: "Database"
    intake: "CatalogueIntake"
    policy: Policy
    random: Random


def quiet(name: str, total: int | None) -> Progress:
    """Show nothing."""
    del name, total
    return lambda _: None


class ImportRun:
    """Everything of an import that does not depend on where the rows go."""

    def __init__(self, options: ImportOptions, clock: Clock, stages: Stages = quiet) -> None:
        if options.kind not in KINDS:
            raise ImportFailed(f"what is imported is one of {', '.join(KINDS)}", EXIT_USAGE)
        if not 1 <= options.batch <= BATCH_MAX:
            raise ImportFailed(f"a batch has 1 to {BATCH_MAX} rows", EXIT_USAGE)
        if options.whole and options.kind != "stock":
            raise ImportFailed("--whole is for stock", EXIT_USAGE)
        self._options = options
        self._clock = clock
        self._stages = stages
        self._began_ms = clock.monotonic_ms()
        self._mapping: ColumnMapping = load_mapping(options.kind, options.map_file, options.columns)
        self._source: Source = open_source(
            options.file, encoding=options.encoding, delimiter=options.delimiter
        )
        centroids = load_centroids(options.centroids) if options.centroids else None
        self._checker = RowChecker(
            options.kind, self._mapping, self._source,
            centroids=centroids, far_km=options.far_km,
        )  # fmt: skip

    def check_only(self) -> ImportSummary:
        """Read and check everything, write nothing."""
        self._began_ms = self._clock.monotonic_ms()
        with self._report() as report:
            run_import(
                self._source, self._checker, DrySink(), report,
                batch=self._options.batch, progress=self._rows_stage("checking"),
            )  # fmt: skip
        return self._summary(report)

    def into(self, target: Target) -> ImportSummary:
        """Import master data or stock; an interrupted import of the same file goes on.

        One that was the last of its kind and of which nothing was refused is not read again. Nor is
        one of stock, last or not: its counts would undo what was sold since. Raises `ImportFailed`
        while another import of the kind goes on: batches of both would undo each other's.
        """
        kind = self._options.kind
        with target.database.alone(f"import-{kind}") as is_alone:
            if not is_alone:
                raise ImportFailed(
                    f"another import of {kind} goes on: try again when it has ended", EXIT_CONFLICT
                )
            return self._alone_into(target)

    def _alone_into(self, target: Target) -> ImportSummary:
        self._began_ms = self._clock.monotonic_ms()
        options = self._options
        source_hash = f"{file_hash(options.file)}+{self._mapping.fingerprint}"
        log = JobLog(
            target.database, options.kind, source_hash, self._clock.now_ms(), target.random
        )
        if log.is_settled and not options.again:
            return self._summary(ProblemReport(None, Counts()), already_done=True)
        if options.again:
            log.restart()
        elif log.job.done:
            log.repeat()
        take = taker_of(
            options.kind, target.intake, target.policy, is_repeated=log.is_repeated
        )  # fmt: skip
        is_news = not log.is_repeated and (log.is_last or not log.job.offset)
        whole = self._whole(target) if options.whole and is_news else None
        sink = DatabaseSink(target.database, log, take, whole)
        with self._report() as report:
            run_import(
                self._source, self._checker, sink, report,
                batch=options.batch, progress=self._rows_stage("importing"),
            )  # fmt: skip
        if options.whole and (why := _why_not_whole(log.job.bad, report.counts, whole)):
            raise ImportFailed(why, EXIT_REFUSED)
        return self._summary(report)

    def _whole(self, target: Target) -> WholeStock:
        return WholeStock(target.database, target.intake, self._checker, is_sure=self._options.sure)

    def orders_to(self, placer: OrderPlacer) -> ImportSummary:
        """Gather the orders of a file and place each once, however often it is imported.

        In this process and under each API key they are kept apart: one way for one history.
        """
        self._began_ms = self._clock.monotonic_ms()
        with self._report() as report, OrderStage() as stage:
            run_import(
                self._source, self._checker, stage, report,
                batch=self._options.batch, progress=self._rows_stage("reading"),
            )  # fmt: skip
            place_orders(
                stage, placer, report,
                threads=self._options.threads, progress=self._stages("placing", len(stage)),
            )  # fmt: skip
        return self._summary(report)

    @contextlib.contextmanager
    def _report(self) -> Iterator[ProblemReport]:
        try:
            with ProblemReport(self._options.report, Counts()) as report:
                yield report
        except OSError as problem:
            raise ImportFailed(f"the report cannot be written: {problem}") from problem

    def _rows_stage(self, name: str) -> Progress:
        return self._stages(name, self._source.rows_total)

    def _summary(self, report: ProblemReport, *, already_done: bool = False) -> ImportSummary:
        options = self._options
        return ImportSummary(
            kind=options.kind,
            file=str(options.file),
            counts=report.counts,
            seconds=(self._clock.monotonic_ms() - self._began_ms) / 1000,
            dry_run=options.dry_run,
            already_done=already_done,
            report=str(options.report or ""),
            first_problems=tuple(report.first),
        )


def _why_not_whole(bad: int, counts: Counts, whole: WholeStock | None) -> str:
    """Return why what a file leaves out was not taken away; empty where it was."""
    if bad:
        return (
            f"{bad} rows are bad: the others are imported, and what the file leaves out stays as it"
            " was. Mend them and import it again with --whole"
        )
    if counts.skipped:
        return (
            f"the mapping leaves out {counts.skipped} rows: the others are imported, and what is"
            " not among them stays as it was. A file is whole without `only`"
        )
    if whole is None:
        return (
            "rows of this file were imported before, and much may have been sold or told since:"
            " what it leaves out stays as it was. With --again all of it counts anew"
        )
    return ""
