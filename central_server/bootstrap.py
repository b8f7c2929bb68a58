"""Puts central together: the only module that names concrete storage and adapters."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from random import Random

from starlette.types import ASGIApp

from central_server.adapters.carriers import SimulatedCarriers
from central_server.adapters.mail import notifier_of
from central_server.adapters.randomness import BlockRandom
from central_server.config import CentralSettings
from central_server.flows import ALL_HANDLERS, NOTICES
from central_server.flows.pickup.reminders import PickupReminders
from central_server.jobs.holds import HoldKeeper
from central_server.jobs.housekeeping import forget_old_answers, forget_settled_verdicts
from central_server.jobs.labels import LabelDesk
from central_server.jobs.outbox import BATCH as MAIL_BATCH
from central_server.jobs.outbox import send_due
from central_server.jobs.promises import PromiseKeeper
from central_server.jobs.worker import Worker
from central_server.ports import Carriers, Notifier, Snapshots
from central_server.sample import SAMPLE_CARRIERS, SAMPLE_FILES, sample_path
from central_server.services.api_keys import ApiKeys
from central_server.services.arrivals import Arrivals
from central_server.services.availability import AvailabilityQuery
from central_server.services.availability_feed import (
    AvailabilityFeedReader,
    AvailabilityPublisher,
)
from central_server.services.backorders import Backorders
from central_server.services.baskets import BasketQuery
from central_server.services.cancel import Cancellation
from central_server.services.cancel_units import UnitCancellation
from central_server.services.carrier_file import read_carriers
from central_server.services.catalogue_intake import CatalogueIntake
from central_server.services.demand import WeeklyDemand
from central_server.services.devices import Devices
from central_server.services.doctor import Finding, examine
from central_server.services.enrolment import Enrolment
from central_server.services.escrow_policies import EscrowPolicies
from central_server.services.exception_desk import ExceptionDesk
from central_server.services.fill_learning import FillLearning
from central_server.services.judging import HalfDone, Judging
from central_server.services.new_figures import follow_figures
from central_server.services.offers import OfferDesk
from central_server.services.order_capture import OrderCapture
from central_server.services.order_giving import Giving
from central_server.services.order_reading import OrderReading
from central_server.services.promise_preview import PromisePreview
from central_server.services.promise_rules import PromiseRuleBook
from central_server.services.quarantine import QuarantineDesk
from central_server.services.routing_desk import RoutingDesk
from central_server.services.routing_rules import RoutingRuleBook
from central_server.services.routing_simulation import RoutingSimulation
from central_server.services.sample_network import load_network
from central_server.services.sessions import Sessions
from central_server.services.sizing import FloorSizing
from central_server.services.stores import StoreDirectory
from central_server.services.supply import SupplyBook
from central_server.services.sync_service import SyncService
from central_server.services.tills import TillDesk
from central_server.services.tokens import GiftCodes, SessionKeys
from central_server.services.unfillable import UnfillableDesk
from central_server.services.unit_prices import UnitPrices
from central_server.services.vendors import VendorDesk
from central_server.services.verification import verify
from central_server.services.waiting_room import WaitingRoom
from central_server.sourcing.engine.highs import OptimizerFailed, OptimizerMissing
from central_server.storage import backup as copies
from central_server.storage.commits import (
    OUT_OF_SERVICE,
    POISON,
    TROUBLE,
    DatabaseClosed,
    Overloaded,
    Unavailable,
)
from central_server.storage.database import Database
from central_server.storage.schema import migrate, newest_version, schema_version
from central_server.storage.snapshots import NoSnapshot
from central_server.storage.snapshots import Snapshots as SnapshotFiles
from central_server.storage.stock_rows import OpeningStock
from central_server.storage.trouble import will_pass
from central_server.storage.unit import Unit
from central_server.web.deps import Central
from central_server.web.pokes import PokeBoard
from central_server.web.shell import Figures
from sync.clock import Clock, SystemClock
from sync.domain.ids import new_id

_log = logging.getLogger(__name__)
BACKUP_PROBLEMS = (copies.NotEmbedded, copies.InUse, copies.BadCopy)
"""What a backup or a restore can be refused for, in words."""
OUTBOX_IDLE_SECONDS = 1.0
HOUSEKEEPING_SECONDS = 3600.0
FEED_SECONDS = 24 * 3600.0
POLICIES_SECONDS = 60.0
SIZING_SECONDS = 6 * 3600.0
PUBLISHING_SECONDS = 5.0
PROMISES_SECONDS = 5.0
"""Far below a lease's margin: a promise is moved soon after it lapsed."""
REMINDERS_SECONDS = 300.0
HOLDS_SECONDS = 10.0
"""How soon a waiting list is served after stock has come."""
STORAGE_PROBLEMS: dict[type[Exception], str] = {
    Overloaded: "try_later",
    DatabaseClosed: "try_later",
    Unavailable: "try_later",
    NoSnapshot: "not_found",
}
"""What storage raises that is a client's business, and the code of the problem it becomes."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A central that is put together, and what commands need of its inside."""

    settings: CentralSettings
    database: Database
    central: Central
    intake: CatalogueIntake
    notifier: Notifier
    promises: PromiseKeeper
    labels: LabelDesk
    holds: HoldKeeper
    tills: TillDesk
    sizing: FloorSizing
    demand: WeeklyDemand
    backorders: Backorders
    publisher: AvailabilityPublisher
    learning: FillLearning
    unit_prices: UnitPrices
    reminders: PickupReminders
    clock: Clock
    random: Random

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        # Half of what a command takes to start, and only HTTP needs it.
        from central_server.app import create_app

        return create_app(self.central, version=app_version(), storage_problems=STORAGE_PROBLEMS)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Send mail and forget old answers in the background for the time of the block."""
        workers = (
            Worker("outbox", self._send_mail, OUTBOX_IDLE_SECONDS),
            Worker("promises", lambda: self.promises.run() > 0, PROMISES_SECONDS),
            Worker("labels", lambda: self.labels.run() > 0, OUTBOX_IDLE_SECONDS),
            Worker("holds", lambda: self.holds.run() > 0, HOLDS_SECONDS),
            Worker("learning", self._learn, SIZING_SECONDS),
            Worker("waiting", self._release_waiting, HOLDS_SECONDS),
            Worker("reminders", self._remind, REMINDERS_SECONDS),
            Worker("policies", self._apply_policies, POLICIES_SECONDS),
            Worker("sizing", self._size_floors, SIZING_SECONDS),
            Worker("backorders", lambda: self.backorders.run() > 0, POLICIES_SECONDS),
            Worker("demand", self._reckon_demand, SIZING_SECONDS),
            Worker("availability", self.publisher.run, PUBLISHING_SECONDS),
            Worker("housekeeping", self._forget, HOUSEKEEPING_SECONDS),
            Worker("feed", self._compact_feed, FEED_SECONDS),
        )
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            for worker in workers:
                worker.close()

    def _send_mail(self) -> bool:
        # What came meanwhile goes with the next full batch, or after the pause: mail does not
        # take turns with the orders that cause it.
        return send_due(self.database, self.notifier, self.clock, self.random) >= MAIL_BATCH

    def _remind(self) -> bool:
        self.reminders.run()
        return False

    def _apply_policies(self) -> bool:
        self.central.escrow.apply()
        follow_figures(self.database, self.central.pokes)
        return False

    def _size_floors(self) -> bool:
        self.sizing.run()
        return False

    def _reckon_demand(self) -> bool:
        self.demand.run()
        return False

    def _release_waiting(self) -> bool:
        released = self.central.waiting.run()
        if self.central.waiting.problem:
            _log.warning("%s", self.central.waiting.problem)
        return released > 0

    def _learn(self) -> bool:
        self.learning.run()
        try:
            self.unit_prices.run()
        except (OptimizerMissing, OptimizerFailed) as problem:
            _log.warning("units have no price for orders to come: %s", problem)
        return False

    def _forget(self) -> bool:
        forget_old_answers(self.database, self.clock, self.settings.idempotency_days)
        return False

    def _compact_feed(self) -> bool:
        forget_settled_verdicts(self.database, self.clock, self.random)
        return False

    def migrate(self) -> str:
        """Bring the database to this version's schema, give it an identity, return the revision."""
        revision = migrate(self.database)
        server_id = new_id(self.clock.now_ms(), self.random)
        self.database.write(lambda unit: unit.meta.ensure(server_id, ""))
        return revision

    def schema(self) -> tuple[str | None, str]:
        """Return the database's revision and the one that this code expects."""
        return schema_version(self.database), newest_version()

    def verify(self) -> list[str]:
        """Return what of this central's data is not true to itself."""
        return verify(self.database)

    def begin_new_life(self) -> int:
        """Tell every store, by a new incarnation, that this central was restored.

        What it had promised since the backup it does not know: no lease outlives it, and
        label numbers go on far behind those that may be on parcels.
        """
        now = self.clock.now_ms()

        def begin(unit: Unit) -> int:
            unit.leases.end_all(now)
            unit.shipping.skip_numbers()
            return unit.meta.begin_new_life(now // 1000)

        return self.database.write(begin)

    @property
    def devices(self) -> Devices:
        """The devices of stores."""
        return Devices(self.database, self.clock)

    def examine(self) -> tuple[Finding, ...]:
        """Return what is well with this central and what is not."""
        return examine(self.settings, self.database, self.schema(), app_version())

    def load_sample(self) -> Mapping[str, int]:
        """Load the sample network; loading it again changes only what differs."""
        settings = self.settings
        counts = load_network(
            self.intake,
            sample_path(SAMPLE_FILES[0]).parent,
            floor_percent=settings.floor_percent,
            safety_stock=settings.safety_stock,
            hold_days=settings.hold_days,
            escrow=settings.escrow_policy,
        )
        self.intake.carriers(read_carriers(SAMPLE_CARRIERS.read_text(encoding="utf-8")))
        return counts


def app_version() -> str:
    """Return the version that is installed."""
    try:
        return version_of("holdshelf")
    except PackageNotFoundError:
        return "0.0.0"


def assemble(
    settings: CentralSettings,
    database: Database,
    *,
    clock: Clock | None = None,
    random: Random | None = None,
    notifier: Notifier | None = None,
    snapshots: Snapshots | None = None,
    carriers: Carriers | None = None,
) -> Parts:
    """Put a central together over an open database; tests hand in their own world."""
    clock = clock or SystemClock()
    random = random or BlockRandom()
    notifier = notifier or notifier_of(settings)
    judging = Judging(
        database, tuple(ALL_HANDLERS), clock=clock, random=random, pokes=PokeBoard(),
        promise_ms=settings.promise_minutes * 60_000, poison=(*POISON, HalfDone),
        trouble=TROUBLE,
    )  # fmt: skip
    central = _central(settings, judging, snapshots)
    pokes = judging.pokes
    return Parts(
        settings,
        database,
        central,
        CatalogueIntake(database, clock, pokes, OpeningStock),
        notifier,
        PromiseKeeper(judging),
        LabelDesk(
            database, carriers or SimulatedCarriers(), clock=clock, random=random, pokes=pokes
        ),
        HoldKeeper(judging),
        central.tills,
        FloorSizing(database, clock, random, pokes),
        WeeklyDemand(database, clock),
        _backorders(judging),
        AvailabilityPublisher(
            database, clock, settings.availability_thresholds, settings.availability_feed_locations
        ),
        FillLearning(database, clock),
        UnitPrices(database, clock, promise_ms=judging.promise_ms),
        PickupReminders(database, clock, random),
        clock,
        random,
    )


def _backorders(judging: Judging) -> Backorders:
    return Backorders(
        judging.database, NOTICES, clock=judging.clock, random=judging.random,
        pokes=judging.pokes, promise_ms=judging.promise_ms,
    )  # fmt: skip


def _central(settings: CentralSettings, judging: Judging, snapshots: Snapshots | None) -> Central:
    database, clock, random = judging.database, judging.clock, judging.random
    pokes, promise_ms = judging.pokes, judging.promise_ms
    assert isinstance(pokes, PokeBoard)
    how = Giving(random, NOTICES, pokes, promise_ms)
    keys = SessionKeys(settings.secret, settings.session_seconds)
    cancelling = Cancellation(database, NOTICES, clock=clock, random=random, pokes=pokes)
    return Central(
        clock=clock,
        orders=OrderCapture(database, how, clock=clock, out_of_service=OUT_OF_SERVICE),
        cancelling=cancelling,
        cancelling_units=UnitCancellation(cancelling),
        arrivals=Arrivals(judging),
        reading=OrderReading(database),
        availability=AvailabilityQuery(database, clock, promise_ms=promise_ms),
        baskets=BasketQuery(database, clock, promise_ms=promise_ms),
        stores=StoreDirectory(database, clock),
        enrolment=Enrolment(database, clock, random),
        sessions=Sessions(database, keys, clock, random, poll_seconds=settings.poll_seconds),
        sync=SyncService(judging, snapshots or SnapshotFiles(database, settings.snapshots_dir)),
        keys=ApiKeys(database, clock, random),
        escrow=EscrowPolicies(database, clock, pokes),
        promise_rules=PromiseRuleBook(
            database, clock, needs_second_person=not settings.promise_self_approval
        ),
        promise_preview=PromisePreview(database, clock),
        routing_rules=RoutingRuleBook(
            database, clock, needs_second_person=not settings.routing_self_approval
        ),
        routing=RoutingDesk(database, clock, promise_ms=promise_ms),
        simulation=RoutingSimulation(database, clock, promise_ms=promise_ms),
        waiting=WaitingRoom(database, clock, how),
        offers=OfferDesk(database, clock, how),
        unfillable=UnfillableDesk(database, clock, how),
        supply=SupplyBook(database, clock, _backorders(judging), random),
        vendors=VendorDesk(judging),
        tills=TillDesk(database, clock, random, pokes, GiftCodes(settings.secret)),
        availability_feed=AvailabilityFeedReader(
            database, settings.availability_thresholds, settings.availability_feed_locations
        ),
        exceptions=ExceptionDesk(database, clock, pokes),
        quarantine=QuarantineDesk(judging),
        pokes=pokes,
        figures=Figures(),
        new_trace_id=lambda: new_id(clock.now_ms(), random),
        readiness=lambda: _readiness(database),
    )


class CannotOpen(Exception):
    """The database cannot be opened. `is_far` tells a server that does not answer from a file.

    `will_pass`: it may be whole, and cannot be opened now, such as on a full disk.
    """

    def __init__(self, reason: str, *, is_far: bool, will_pass: bool = False) -> None:
        self.is_far = is_far
        self.will_pass = will_pass
        super().__init__(f"the database cannot be opened: {reason}")


class NotNow(Exception):
    """The database could not do it now; nothing is half done. The words are for people."""


def back_up(settings: CentralSettings, target: Path) -> None:
    """Write a copy of the embedded database, whoever works with it meanwhile."""
    copies.copy_out(settings.url, settings.key, target)


def restore(settings: CentralSettings, file: Path, clock: Clock | None = None) -> Path | None:
    """Put a copy in the database's place, in a new life; return where the former one is kept."""
    now_ms = (clock or SystemClock()).now_ms()
    with copies.held(settings.url, alone=True):
        return copies.copy_in(file, settings.key, settings.url, now_ms=now_ms)


@contextlib.contextmanager
def opened(settings: CentralSettings) -> Iterator[Parts]:
    """Open the database that the settings name, put central together, and close it at the end."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CannotOpen(f"{settings.data_dir}: {problem.strerror}", is_far=False) from problem
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(copies.held(settings.url))
            database = Database.open(settings.url, key=settings.key)
            schema_version(database)
        except Exception as problem:
            is_far = not settings.url.startswith("sqlite")
            raise CannotOpen(
                str(problem).partition("\n")[0],
                is_far=is_far,
                will_pass=will_pass(problem),
            ) from problem
        stack.callback(database.close)
        try:
            yield assemble(settings, database)
        except Unavailable as problem:
            raise NotNow(str(problem)) from problem


def _readiness(database: Database) -> dict[str, str]:
    """Return what central waits for before it can work."""
    try:
        found, expected = schema_version(database), newest_version()
    except Exception as problem:  # noqa: BLE001 - whatever it is, central is not ready
        return {"database": type(problem).__name__}
    if found != expected:
        return {"migrations": f"at {found}, {expected} is needed"}
    return {}
