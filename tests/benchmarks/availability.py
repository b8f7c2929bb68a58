"""atp_*: what 50 SKUs at 1,000 stores may be promised, as product pages ask it.

And what an order costs at as many stores where a rule keeps something of the whole network.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from central_server.bootstrap import Parts, assemble
from central_server.config import CentralSettings
from central_server.records import Lease, Location, Price, Product
from central_server.services.availability import Question
from central_server.services.catalogue_intake import StockItem, batches
from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import Customer, NewLine, NewOrder
from central_server.services.promises import Promises
from central_server.sourcing.promise_rules import Level, PromiseRule, RuleKind
from central_server.storage.database import Database
from central_server.storage.unit import Unit
from sync.clock import SystemClock
from sync.domain.orders import Channel
from tests.benchmarks.measure import Figure, median, percentile
from tests.benchmarks.site import temporary
from tests.support.central_world import SECRET

STORES = 1_000
SKUS = 200
PAGE = 50
ASKED = 200
ASKED_NEAR = 40
ORDERS = 40
LINES = 3
RADIUS_KM = 100.0
"""Of a question near a point: some three stores are within it."""
PLACES = [f"S{number:04}" for number in range(1, STORES + 1)]
SOUTH_NORTH, WEST_EAST = (30.0, 48.0), (-120.0, -75.0)
NAMES = [f"SKU-{number:04}" for number in range(1, SKUS + 1)]
RULES = (
    PromiseRule("franchise", RuleKind.PROTECT, locations=tuple(PLACES[:50])),
    PromiseRule("closed", RuleKind.OFFER, offered=False, locations=tuple(PLACES[50:60])),
    PromiseRule("keep", RuleKind.SAFETY_STOCK, units=1),
    PromiseRule("wide", RuleKind.SAFETY_STOCK, level=Level.NETWORK, percent=5),
)


def measure() -> Iterator[Figure]:
    """Ask for pages while orders are placed and stores are heard between any two of them."""
    with temporary() as folder:
        database = Database.open(f"sqlite:///{folder / 'central.db'}")
        try:
            parts = _filled(database, folder)
            yield from _measured(parts)
            yield _orders(parts)
        finally:
            database.close()


def _measured(parts: Parts) -> Iterator[Figure]:
    random = Random(5)
    took: list[float] = []
    cold: list[float] = []
    pages = [tuple(random.sample(NAMES, PAGE)) for _ in range(ASKED)]
    for number, page in enumerate(pages):
        if number % 2:
            _order(parts, f"page-{number}", page[:1], PLACES[100 + number])
        _hear(parts, random.sample(PLACES, 3))
        first = _page_ms(parts, page)
        (took if number >= 20 else cold).append(first)
    near = [_near_ms(parts, page, random) for page in pages[:ASKED_NEAR]]
    at_one = [_place_ms(parts, page, PLACES[100 + n]) for n, page in enumerate(pages[:ASKED_NEAR])]
    books = [_books_ms(parts, page) for page in pages[:5]]
    words = f"the same page from the books, {PAGE} SKUs at {STORES} stores"
    yield Figure("atp_page_ms", median(took), "ms", words, median(books))
    yield Figure("atp_page_p99_ms", percentile(took, 0.99), "ms", words, median(books))
    yield Figure("atp_place_ms", median(at_one), "ms", words, median(books))
    yield Figure("atp_near_ms", median(near), "ms", words, median(books))
    yield Figure("atp_page_cold_ms", cold[0], "ms", words, median(books))


def _question(page: tuple[str, ...]) -> Question:
    return Question(page, of_network=True)


def _books_ms(parts: Parts, page: tuple[str, ...]) -> float:
    began = time.perf_counter()
    with parts.database.read() as view:
        Promises(view, parts.clock.now_ms()).network(page, _question(page).ask)
    return (time.perf_counter() - began) * 1000


def _page_ms(parts: Parts, page: tuple[str, ...]) -> float:
    began = time.perf_counter()
    parts.central.availability.answer(_question(page))
    return (time.perf_counter() - began) * 1000


def _place_ms(parts: Parts, page: tuple[str, ...], place: str) -> float:
    """What the page takes for pickup at one store."""
    began = time.perf_counter()
    parts.central.availability.answer(Question(page, location_ids=(place,)))
    return (time.perf_counter() - began) * 1000


def _near_ms(parts: Parts, page: tuple[str, ...], random: Random) -> float:
    """What it takes near where somebody is."""
    near = (random.uniform(*SOUTH_NORTH), random.uniform(*WEST_EAST))
    began = time.perf_counter()
    parts.central.availability.answer(Question(page, near=near, radius_km=RADIUS_KM))
    return (time.perf_counter() - began) * 1000


def _orders(parts: Parts) -> Figure:
    """Place orders under the rules, and such under all of them but that of the network."""
    under = _orders_ms(parts, "under")
    _publish(parts, tuple(rule for rule in RULES if rule.level is not Level.NETWORK))
    without = _orders_ms(parts, "without")
    words = f"the same orders of {LINES} lines without a rule of the network"
    return Figure("order_network_rule_ms", median(under), "ms", words, median(without))


def _orders_ms(parts: Parts, name: str) -> list[float]:
    random = Random(11)
    took = []
    for number in range(ORDERS):
        skus = tuple(random.sample(NAMES, LINES))
        began = time.perf_counter()
        _order(parts, f"{name}-{number}", skus, PLACES[100 + number])
        took.append((time.perf_counter() - began) * 1000)
    return took


def _order(parts: Parts, key: str, skus: tuple[str, ...], place: str) -> None:
    customer = Customer("Customer", "", "")
    lines = tuple(NewLine(sku, 1) for sku in skus)
    order = NewOrder(place, Channel.WEB, "USD", customer, lines)
    parts.central.orders.place(order, RequestIdentity("bench", key, "body"))


def _hear(parts: Parts, places: list[str]) -> None:
    """Extend leases, as polls do."""
    now = parts.clock.now_ms()

    def work(unit: Unit) -> None:
        for place in places:
            kept = unit.leases.get(place)
            if kept is not None:
                unit.leases.save(replace(kept, token_ms=now, until_ms=now + 7_000_000))

    parts.database.write(work)


def _filled(database: Database, folder: Path) -> Parts:
    settings = CentralSettings(data_dir=folder, server_secret=SECRET, demo=False)
    parts = assemble(settings, database, clock=SystemClock(), random=Random(7))
    parts.migrate()
    random = Random(3)
    parts.intake.locations([
        Location(name, name, price_zone="EAST", region="East",
                 latitude=random.uniform(*SOUTH_NORTH), longitude=random.uniform(*WEST_EAST))
        for name in PLACES
    ])  # fmt: skip
    parts.intake.products([Product(sku, f"Thing {sku}") for sku in NAMES])
    parts.intake.prices([Price("EAST", sku, 1000, "USD") for sku in NAMES])
    items = (StockItem(place, sku, 20) for place in PLACES for sku in NAMES)
    for batch in batches(items):
        parts.intake.stock(batch, "opening")
    now = parts.clock.now_ms()

    def lease(unit: Unit) -> None:
        for place in PLACES[500:900]:
            unit.leases.save(Lease(place, 1, now, now + 7_000_000, now))

    database.write(lease)
    _publish(parts, RULES)
    return parts


def _publish(parts: Parts, rules: tuple[PromiseRule, ...]) -> None:
    book = parts.central.promise_rules
    made: dict[str, Any] = book.draft(rules, note="", by="bench")
    how: dict[str, Any] = {"effective_from_ms": None, "note": "", "reading": made["reading"]}
    book.publish(made["version"], by="approver", **how)
