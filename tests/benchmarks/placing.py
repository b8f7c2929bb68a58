"""orders_*: placing orders over HTTP, durable, beside what the engine does with as much.

PostgreSQL is measured in turns with pgbench in one run, so what else keeps the machine
busy counts against both. SQLite's baseline is a bare loop over a file in the same folder.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from central_server.sourcing.promise_rules import Method
from sync.domain.orders import Channel
from tests.benchmarks import baselines, load, pgbench
from tests.benchmarks.load import CLIENTS, Load, Mix
from tests.benchmarks.measure import Figure, median, percentile
from tests.benchmarks.site import temporary
from tests.support.network import Size
from tests.support.postgresql import PostgresqlServer
from tests.support.real_central import RealCentral
from tests.support.waiting import until

SIZE = Size(stores=50, skus=2_000, stocked=2_000, on_hand=100_000)
MIX = Mix(SIZE.stores, SIZE.skus)
HOT = Mix(stores=1, skus=1, lines=1)
ORDERS = 1_500
BULKS = 40
TURNS = 3
PGBENCH_S = 4
SETTLE_S = 120.0
"""Within which a new central has looked at all availability once, for the feed of shops."""
LAST_FEED = {"channel": Channel.MARKETPLACE.value, "method": Method.PICKUP.value}
"""What the publisher says last of each SKU that some store has."""
ATTEMPTS = 1_000_000
CONTENDED = Size(stores=4, skus=25, stocked=25, on_hand=4_000)
WORKERS = 2
ROWS = 18
"""That an order of three lines writes."""


def measure() -> Iterator[Figure]:
    """Place orders on both engines, one by one and in bulk."""
    server = PostgresqlServer(durable=True)
    try:
        with temporary() as folder:
            yield from _on_postgresql(server, folder)
    finally:
        server.stop()
    with temporary() as folder:
        yield from _on_sqlite(folder)


def _on_postgresql(server: PostgresqlServer, folder: Path) -> Iterator[Figure]:
    name = server.create()
    central = RealCentral(folder / "central", database_url=server.url(name))
    central.prepare(SIZE)
    other = server.create(name)  # the same rows, for pgbench
    central.start()
    try:
        settle(central)
        words = f"pgbench, the same statements, an order a transaction, {CLIENTS} clients"
        runs, beside = _in_turns(central, server, other, MIX)
        rate, base = _middle(runs, beside)
        yield Figure("orders_postgresql_per_s", rate, "/s", words, base)
        yield Figure("orders_per_pgbench", rate / base, "x", words, 1.0)
        took = [one for run in runs for one in run.took_ms]
        http = baselines.http_p99_ms()
        yield Figure("order_p99_ms", percentile(took, 0.99), "ms", "a bare HTTP exchange", http)
        runs, beside = _in_turns(central, server, other, HOT)
        rate, base = _middle(runs, beside)
        yield Figure("orders_hot_sku_per_s", rate, "/s", f"{words}, one position", base)
        bulk = _bulk(central)
        single = median([run.per_s for run in runs])
        yield Figure("orders_bulk_per_s", bulk, "/s", "orders of one line, a request each", single)
    finally:
        central.stop()


def settle(central: RealCentral, stocked: int = SIZE.stocked) -> None:
    """Wait until a new central has published all availability once: it is busy before."""
    after: dict[str, str] = {}
    seen = 0

    def is_published() -> bool:
        nonlocal seen
        more = True
        while more:
            answer = central.client.get("/v1/availability/feed", params=LAST_FEED | after)
            page = answer.raise_for_status().json()
            after["after"], more = page["next"], page["more"]
            seen += len(page["items"])
        return seen >= stocked

    until(is_published, "all availability is published", within_s=SETTLE_S, every_s=0.5)


def _in_turns(
    central: RealCentral, server: PostgresqlServer, other: str, mix: Mix
) -> tuple[list[Load], list[float]]:
    load.run(central, load.single_requests(central, mix, ORDERS // 10))
    runs, beside = [], []
    for _ in range(TURNS):
        beside.append(pgbench.orders_per_s(server, other, mix, PGBENCH_S))
        run = load.run(central, load.single_requests(central, mix, ORDERS))
        _check(run)
        runs.append(run)
    return runs, beside


def _middle(runs: list[Load], beside: list[float]) -> tuple[float, float]:
    """Return a rate and a baseline whose ratio is the median of the turns' ratios."""
    ratio = median([run.per_s / base for run, base in zip(runs, beside, strict=True)])
    rate = median([run.per_s for run in runs])
    return rate, rate / ratio


def _check(run: Load) -> None:
    if run.refused:
        raise RuntimeError(f"{run.refused} orders were refused")


def _bulk(central: RealCentral) -> float:
    load.run(central, load.bulk_requests(central, MIX, 4), clients=2)
    rates = []
    for _ in range(TURNS):
        run = load.run(central, load.bulk_requests(central, MIX, BULKS), clients=2)
        _check(run)
        rates.append(run.per_s)
    return median(rates)


def _on_sqlite(folder: Path) -> Iterator[Figure]:
    central = RealCentral(folder / "central")
    central.prepare(SIZE)
    central.start()
    try:
        settle(central)
        load.run(central, load.single_requests(central, MIX, ORDERS // 10))
        rates, beside = [], []
        for _ in range(TURNS):
            beside.append(_bare_orders_per_s(folder / "bare.db"))
            run = load.run(central, load.single_requests(central, MIX, ORDERS))
            _check(run)
            rates.append(run.per_s)
        words = f"bare sqlcipher3: {ROWS} rows a commit, FULL, one client"
        ratio = median([rate / base for rate, base in zip(rates, beside, strict=True)])
        rate = median(rates)
        yield Figure("orders_sqlite_per_s", rate, "/s", words, rate / ratio)
        bulk = _bulk(central)
        yield Figure("orders_bulk_sqlite_per_s", bulk, "/s", "the same, an order a request", rate)
    finally:
        central.stop()


def _bare_orders_per_s(path: Path, orders: int = 1_000) -> float:
    connection = baselines.database(path, "FULL")
    began = time.perf_counter()
    for _ in range(orders):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t (body) VALUES (?)", [(baselines.BODY,)] * ROWS)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return orders / took


def measure_contention() -> Iterator[Figure]:
    """Let two processes reserve a million units of which less than half are there."""
    server = PostgresqlServer(durable=True)
    try:
        with temporary() as folder:
            central = RealCentral(folder / "central", database_url=server.url(server.create()))
            central.prepare(CONTENDED)
            began = time.perf_counter()
            promised = _promised_by_workers(central.database_url)
            took = time.perf_counter() - began
            with central.opened() as parts, parts.database.read() as view:
                books = view.stock.everywhere().values()
                ledger = view.stock_ledger.sums().values()
        allocated = sum(units for _, units in books)
        there = CONTENDED.stores * CONTENDED.stocked * CONTENDED.on_hand
        over = sum(max(0, units - on_hand) for on_hand, units in books)
        over += abs(promised - allocated) + abs(sum(units for _, units in ledger) - allocated)
        words = f"units there were, of {ATTEMPTS:,} asked for by {WORKERS} processes"
        yield Figure("contended_reservations_oversold", over, "units", words, there)
        yield Figure("contended_reservations_promised", promised, "units", words, there)
        yield Figure("contended_reservations_per_s", ATTEMPTS / took, "/s", words, there)
    finally:
        server.stop()


def _promised_by_workers(url: str) -> int:
    shape = (str(CONTENDED.stores), str(CONTENDED.skus), str(ATTEMPTS // WORKERS))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.contended", url, str(seed), *shape],
            stdout=subprocess.PIPE,
        )
        for seed in range(1, WORKERS + 1)
    ]
    counts = [int(worker.communicate()[0]) for worker in workers]
    if any(worker.returncode for worker in workers):
        raise RuntimeError("a worker failed")
    return sum(counts)
