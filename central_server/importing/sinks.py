"""Where good rows go: through the intake service, with the job's progress in one transaction.

A row that says what central has already is not written again, so importing a
file twice moves no price version and wakes no store.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from central_server.importing.checker import CheckedRow
from central_server.importing.problems import RowProblem
from central_server.importing.records import (
    AssociateRecord,
    LocationRecord,
    PriceRecord,
    ProductRecord,
    StockRecord,
)
from central_server.importing.reports import Counts
from central_server.importing.runner import Written
from central_server.importing.whole import WholeStock
from central_server.records import ImportJob, Location, Price, Product
from central_server.services.catalogue_intake import CatalogueIntake, StockItem
from sync.domain.escrow import EscrowPolicy
from sync.domain.ids import new_id
from sync.domain.inventory import StockReason
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow, StockRow

if TYPE_CHECKING:
    from central_server.storage.database import Database
    from central_server.storage.unit import Unit

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""What protects a PIN is the encryption of a store's files, never the hash of six digits."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a location gets where its row says nothing: central's settings."""

    floor_percent: int
    safety_stock: int
    hold_days: int
    escrow: EscrowPolicy = EscrowPolicy()
    currency: str = "USD"
    """Of prices whose row names none, where none of that zone and SKU is known."""


class Taker(Protocol):
    """Takes a batch of one kind inside a transaction. May be called again after a conflict."""

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        """Write what is new in `rows`; say how many were, and which cannot be taken."""
        ...


class JobLog:
    """The row in `import_jobs` of one file, kind and mapping."""

    def __init__(
        self, database: "Database", kind: str, source_hash: str, now_ms: int, random: Random
    ) -> None:
        self._database = database
        with database.read() as view:
            found = view.imports.find(kind, source_hash)
            is_last = view.imports.last(kind) == source_hash
        self.job = found or ImportJob(new_id(now_ms, random), source_hash, kind)
        # A file of stock never comes anew by itself: what it counted was sold and moved since.
        self.is_last = is_last
        """Whether rows of this file were the last of its kind that were taken."""
        is_superseded = not is_last and kind != "stock"
        self.is_settled = self.job.done and not self.job.bad and not is_superseded
        """Whether central has all that the file says, and no other of its kind came since."""
        self.is_repeated = False
        """Whether a file of stock that was done is read once more, for what was refused of it."""

    @property
    def source(self) -> str:
        """What the ledger and reports of stock call the file."""
        return f"import:{self.job.id}"

    def repeat(self) -> None:
        """Read a file that was done once more; one of stock stays done while that goes on.

        If it stops half-way, it is repeated from its first row, and never gone on with as news.
        """
        if self.job.kind != "stock":
            self.restart()
            return
        self.is_repeated = True
        self.job = replace(self.job, offset=0, ok=0)

    def restart(self) -> None:
        """Begin again, whatever was done before."""
        self.job = replace(self.job, offset=0, ok=0, bad=0, done=False)

    def saved(self, unit: "Unit", offset: int, counts: Counts, *, done: bool = False) -> ImportJob:
        """Write how far the import is and return the job as it then is."""
        ok = counts.written + counts.unchanged
        # What central refused before an interruption is not read again, but it is still missing.
        bad = counts.bad if done and self.is_repeated else max(self.job.bad, counts.bad)
        job = replace(self.job, offset=offset, ok=ok, bad=bad, done=done or self.is_repeated)
        unit.imports.save(job)
        return job


class DatabaseSink:
    """A `Sink`: batches through a taker, each with the job's progress in its transaction."""

    def __init__(
        self, database: "Database", log: JobLog, take: Taker, whole: WholeStock | None = None
    ) -> None:
        """`whole`: what the file leaves out is not there."""
        self._database = database
        self._log = log
        self._take = take
        self._whole = whole

    def resume_after(self) -> int:
        """Return up to which row everything is written."""
        return self._log.job.offset

    def write(self, rows: Sequence[CheckedRow], offset: int, counts: Counts) -> Written:
        """Write a batch and the progress: both or neither."""
        kept = tuple(rows)

        def work(unit: "Unit") -> tuple[Written, ImportJob]:
            written = self._take(unit, kept, self._log.source) if kept else Written(0, 0)
            known = replace(counts, bad=counts.bad + len(written.refused))
            return written, self._log.saved(unit, offset, known)

        written, self._log.job = self._database.write(work)
        return written

    def finish(self, offset: int, counts: Counts) -> None:
        """Record that the import is complete; what a whole file leaves out goes before."""
        if self._whole is not None and not max(counts.bad, self._log.job.bad, counts.skipped):
            counts.emptied = self._whole.take_away(self._log.source)
        self._log.job = self._database.write(
            lambda unit: self._log.saved(unit, offset, counts, done=True)
        )


def taker_of(
    kind: str, intake: CatalogueIntake, policy: Policy, *, is_repeated: bool = False
) -> Taker:
    """Return how rows of `kind` are taken in; a file that `is_repeated` was taken in before."""
    takers: dict[str, Callable[[], Taker]] = {
        "products": lambda: _Products(intake),
        "locations": lambda: _Locations(intake, policy),
        "prices": lambda: _Prices(intake, policy.currency),
        "stock": lambda: _Stock(intake, is_repeated),
        "associates": lambda: _Associates(intake),
    }
    return takers[kind]()


@dataclass(frozen=True, slots=True)
class _Products:
    intake: CatalogueIntake

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        del source
        records = [cast("ProductRecord", row.record) for row in rows]
        known = unit.catalogue.products([one.sku for one in records])
        products = [_product(one, known.get(one.sku)) for one in records]
        new = [one for one in products if known.get(one.sku) != one]
        if new:
            self.intake.take_products(unit, new)
        told = {one.sku: one.weight_grams for one in records if one.weight_grams is not None}
        before = unit.catalogue.weights(tuple(told)) if told else {}
        weighed = {sku: grams for sku, grams in told.items() if before.get(sku) != grams}
        if weighed:
            unit.catalogue.set_weights(weighed)
        said = {one.sku: one.style for one in records if one.style}
        known_styles = unit.catalogue.styles(tuple(said)) if said else {}
        styled = {sku: style for sku, style in said.items() if known_styles.get(sku) != style}
        if styled:
            unit.catalogue.set_styles(styled)
        dated = self._dated(unit, records)
        count = len({one.sku for one in new} | weighed.keys() | styled.keys() | dated)
        return Written(count, len(products) - count)

    def _dated(self, unit: "Unit", records: Sequence[ProductRecord]) -> set[str]:
        """Say from when on products may be sold; return those of which that is new."""
        said = {one.sku: one.release_at for one in records if one.release_at is not None}
        known = unit.catalogue.releases(tuple(said)) if said else {}
        dated = {sku: at_ms for sku, at_ms in said.items() if known.get(sku) != at_ms}
        if dated:
            self.intake.take_releases(unit, dated)
        return set(dated)


def _product(record: ProductRecord, known: Product | None) -> Product:
    """Return a product as the file tells it; what it does not say of a known one stays."""
    said = record.model_fields_set
    told = Product(
        record.sku, record.name, record.brand, record.category, tuple(sorted(record.barcodes))
    )
    if known is None:
        return told
    return replace(
        told,
        brand=told.brand if "brand" in said else known.brand,
        category=told.category if "category" in said else known.category,
        gtins=told.gtins if said & {"gtin", "gtins"} else known.gtins,
    )


@dataclass(frozen=True, slots=True)
class _Locations:
    intake: CatalogueIntake
    policy: Policy

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        del source
        records = [cast("LocationRecord", row.record) for row in rows]
        known = unit.locations.lock([one.location_id for one in records])
        locations = [self._location(one, known.get(one.location_id)) for one in records]
        new = [one for one in locations if known.get(one.id) != one]
        if new:
            self.intake.take_locations(unit, new)
        return Written(len(new), len(locations) - len(new))

    def _location(self, record: LocationRecord, known: Location | None) -> Location:
        """Return a location as the file tells it; carriers and policies are told elsewhere."""
        if known is not None:
            told = _told_again(record, known)
            is_new_store = told.kind == "store" != known.kind
            return replace(told, escrow=self.policy.escrow) if is_new_store else told
        values = record.model_dump(exclude={"location_id"})
        for name in ("floor_percent", "safety_stock", "hold_days"):
            if values[name] is None:
                values[name] = getattr(self.policy, name)
        is_store = record.kind == "store"
        escrow = self.policy.escrow if is_store else EscrowPolicy()
        return Location(id=record.location_id, escrow=escrow, **values)


def _told_again(record: LocationRecord, known: Location) -> Location:
    """Return a location as it is with what the file says of it: defaults are for new ones."""
    said = record.model_dump(include=record.model_fields_set - {"location_id"})
    told = replace(known, **said)
    # Sharing is for stores; it is set elsewhere, but a place that is none any more shares nothing.
    is_left = known.kind == "store" != told.kind
    return replace(told, escrow=EscrowPolicy()) if is_left else told


@dataclass(frozen=True, slots=True)
class _Prices:
    intake: CatalogueIntake
    currency: str

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        del source
        records = [(row.number, cast("PriceRecord", row.record)) for row in rows]
        sold = unit.catalogue.products({one.sku for _, one in records})
        refused = [
            RowProblem(number, "sku", one.sku, "there is no product with this SKU")
            for number, one in records
            if one.sku not in sold
        ]
        by_zone: defaultdict[str, set[str]] = defaultdict(set)
        for _, one in records:
            by_zone[one.zone].add(one.sku)
        known = {zone: unit.catalogue.prices(zone, skus) for zone, skus in by_zone.items()}
        taken = [one for _, one in records if one.sku in sold]
        new = []
        for one in taken:
            present = known[one.zone].get(one.sku)
            currency = present.currency if present else self.currency
            if "currency" in one.model_fields_set:
                currency = one.currency
            values = (one.amount_minor, currency)
            if present is None or (present.amount_minor, present.currency) != values:
                new.append(Price(one.zone, one.sku, *values))
        if new:
            self.intake.take_prices(unit, new)
        return Written(len(new), len(taken) - len(new), refused)


@dataclass(frozen=True, slots=True)
class _Stock:
    intake: CatalogueIntake
    is_repeated: bool
    """The file is no news: it gives what was refused then, and is no report.

    Its units were sold and moved since, and nobody counted them again.
    """

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        records = [(row.number, cast("StockRecord", row.record)) for row in rows]
        # Their figures are followed by nobody meanwhile: what is not said here stays as it is.
        places = unit.locations.lock({one.location_id for _, one in records})
        sold = unit.catalogue.products({one.sku for _, one in records})
        refused = []
        taken = []
        for number, one in records:
            if one.location_id not in places:
                problem = "there is no such location"
                refused.append(RowProblem(number, "location_id", one.location_id, problem))
            elif one.sku not in sold:
                problem = "there is no product with this SKU"
                refused.append(RowProblem(number, "sku", one.sku, problem))
            else:
                taken.append(one)
        new = self._changed(unit, taken, places)
        if new:
            self.intake.take_stock(unit, new, source, StockReason.IMPORT)
        if taken and not self.is_repeated:
            self.intake.stock_told(unit, {one.location_id for one in taken}, source)
        return Written(len(new), len(taken) - len(new), refused)

    def _changed(
        self, unit: "Unit", taken: Sequence[StockRecord], places: dict[str, Location]
    ) -> list[StockItem]:
        by_place: defaultdict[str, list[StockRecord]] = defaultdict(list)
        for one in taken:
            by_place[one.location_id].append(one)
        new = []
        for place, records in by_place.items():
            known = {row.sku: row for row in unit.stock.rows(place, [one.sku for one in records])}
            for one in records:
                present = known.get(one.sku)
                wanted = _stock_item(one, present, places[place])
                if present is None or (
                    not self.is_repeated
                    and (present.on_hand, present.aisle, present.safety_stock)
                    != (wanted.on_hand, wanted.aisle, wanted.safety_stock)
                ):
                    new.append(wanted)
        return new


def _stock_item(record: StockRecord, present: StockRow | None, place: Location) -> StockItem:
    """Return what a file tells of a SKU; where it was told before, what is not said stays."""
    aisle, safety = record.aisle, record.safety_stock
    if present is not None and "aisle" not in record.model_fields_set:
        aisle = present.aisle
    if safety is None:
        # A row without either was made by a movement before any file told of it.
        is_told = present is not None and (present.safety_stock or present.aisle)
        safety = present.safety_stock if present and is_told else place.safety_stock
    return StockItem(record.location_id, record.sku, record.on_hand, aisle, safety)


@dataclass(frozen=True, slots=True)
class _Associates:
    intake: CatalogueIntake

    def __call__(self, unit: "Unit", rows: Sequence[CheckedRow], source: str) -> Written:
        del source
        records = [(row.number, cast("AssociateRecord", row.record)) for row in rows]
        places = unit.locations.get_many({one.location_id for _, one in records})
        refused = [
            RowProblem(number, "location_id", one.location_id, "there is no such location")
            for number, one in records
            if one.location_id not in places
        ]
        taken = [one for _, one in records if one.location_id in places]
        known = unit.associates.lock([one.associate_id for one in taken])
        teams: defaultdict[str, list[AssociateRow]] = defaultdict(list)
        for one in taken:
            place, person = known.get(one.associate_id, ("", None))
            if place != one.location_id or not _same_person(one, person):
                teams[one.location_id].append(_associate(one, person))
        written = sum(map(len, teams.values()))
        if teams:
            self.intake.take_associates(unit, teams)
        return Written(written, len(taken) - written, refused)


def _associate(record: AssociateRecord, known: AssociateRow | None) -> AssociateRow:
    pin_hash = record.pin_hash or _HASHER.hash(record.pin or "")
    role, active = _standing(record, known)
    return AssociateRow(record.associate_id, record.name, role, pin_hash, active)


def _standing(record: AssociateRecord, known: AssociateRow | None) -> tuple[Role, bool]:
    """Return role and whether somebody is active; what a file does not say of them stays."""
    said = record.model_fields_set
    return (
        known.role if known and "role" not in said else record.role,
        known.active if known and "active" not in said else record.active,
    )


def _same_person(record: AssociateRecord, known: AssociateRow | None) -> bool:
    if known is None:
        return False
    if (record.name, *_standing(record, known)) != (known.name, known.role, known.active):
        return False
    if record.pin_hash is not None:
        return record.pin_hash == known.pin_hash
    try:
        return _HASHER.verify(known.pin_hash, record.pin or "")
    except VerificationError:
        return False
