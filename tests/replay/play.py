"""The replay, act by act: import, orders, stores at work, the reckoning."""

import contextlib
import csv
import multiprocessing
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import httpx

from central_server.importing.checker import RowChecker
from central_server.importing.mapping import load_mapping
from central_server.importing.order_history import OrderStage, PastOrder
from central_server.importing.remote import RemotePlacer
from central_server.importing.reports import Counts, ProblemReport
from central_server.importing.runner import run_import
from central_server.importing.sources import open_source
from central_server.storage.database import Database
from sync.clock import SystemClock
from tests.replay.central import Central
from tests.replay.data import MAPPINGS, Inputs, make_inputs
from tests.replay.figures import Table, percentile
from tests.replay.reconcile import differences
from tests.replay.visits import Network, Visit, Visited, do_visit, start_worker

LATE_SHARE = 20
"""One order in so many is placed while the stores are working already."""
WHOLE_STORES = 4
"""Stores that follow the whole catalogue, by snapshot, and not only their own rows."""
LEAST = (1000, 20_000, 10_000)
"""Stores, SKUs and orders that a run of the default size must at least have had."""
TURNS_MAX = 12
CHUNK = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How much is replayed."""

    orders: int
    stores: int | None
    """None: all that could be imported."""
    clients: int = 8
    workers: int = 2
    is_whole: bool = True
    """Every product there is, and not just what is bought."""

    @property
    def is_claim(self) -> bool:
        """Whether the run is as large as the claim that it proves."""
        return self.is_whole and self.stores is None and self.orders >= LEAST[2]


@dataclass
class Replay:
    """One run. `say` tells people how far it is."""

    central: Central
    data: Path
    work: Path
    size: Size
    say: Callable[[str], None]
    table: Table = field(default_factory=Table)
    _latencies: list[int] = field(default_factory=list)
    _placed: int = 0
    _skus: int = 0
    _refused: Counter[str] = field(default_factory=Counter)

    def play(self) -> list[str]:
        """Play everything; return the differences that were found."""
        began = time.monotonic()
        self.central.run("migrate")
        stores = self._import_network()
        inputs = make_inputs(
            self.data, self.work, stores, self.size.orders, groceries=not self.size.is_whole
        )
        self._import_goods(inputs)
        scopes = ("orders:write", "orders:read", "stores:read", "admin")
        options = [part for scope in scopes for part in ("--scope", scope)]
        key = str(self.central.run("key", "create", "--name", "replay", *options)["key"])
        network = Network(self.central.url, key, self.work / "stores")
        with self.central.serving():
            visited = self._trade(network, inputs, stores)
        self.say("Comparing every store with central ...")
        database = Database.open(self.central.database_url)
        try:
            found = differences(database, visited)
        finally:
            database.close()
        found += self._short_of_promise(visited, inputs)
        self.table.add("reconciliation_differences", len(found))
        self.table.add("wall_time", time.monotonic() - began, "s")
        return found

    # --- import -----------------------------------------------------------------------

    def _import_network(self) -> list[str]:
        """Import the stores; return those that orders may go to."""
        report = self.work / "bad_stores.csv"
        self._import(
            "locations", self.data / "bestbuy_stores" / "stores.csv.gz", "bestbuy_stores",
            "--centroids", str(self.data / "us_zcta" / "zcta.csv.gz"), "--report", str(report),
        )  # fmt: skip
        with report.open(encoding="utf-8", newline="") as file:
            bad = {int(line["row"]) for line in csv.DictReader(file)}
        source = open_source(self.data / "bestbuy_stores" / "stores.csv.gz")
        good = [f"BB{row['store_id']}" for number, row in source.rows() if number not in bad]
        good.sort(key=lambda store: crc32(store.encode()))
        return good[: self.size.stores]

    def _import_goods(self, inputs: Inputs) -> None:
        iowa = self.data / "iowa_liquor" / "products.csv.gz"
        groceries = self.data / "complete_journey" / "products.parquet"
        skus = self._import("products", iowa, "iowa_products")
        skus += self._import("products", inputs.products)
        if self.size.is_whole:
            usda = self.data / "usda_branded_gtin" / "branded_products.csv.gz"
            skus += self._import("products", usda, "usda_products")
            skus += self._import("products", groceries, "journey_products")
            self._import("prices", iowa, "iowa_prices")
        self._skus = skus
        self.table.add("skus", skus)
        self._import("prices", inputs.prices)
        self._import("stock", inputs.stock)

    def _import(self, kind: str, file: Path, mapping: str = "", *options: str) -> int:
        """Run `central-server import` as a process of its own; return the rows it wrote."""
        mapped = ("--map", str(MAPPINGS / f"{mapping}.toml")) if mapping else ()
        said = self.central.run("import", kind, str(file), *mapped, *options, "--batch", "5000")
        self.say(
            f"{kind:9} {file.parent.name}/{file.name}: {said['written']:,} written,"
            f" {said['bad']} bad, {said['duplicates']} duplicates, {said['warnings']} values left"
            f" out, {said['rows_per_second']:,} rows/s"
        )
        name = mapping or f"{file.name.partition('.')[0]}_made"
        rows = f"rows/s ({said['rows']:,} rows, {said['bad']} bad)"
        self.table.add(f"import_{kind}_{name}", said["rows_per_second"], rows)
        return int(said["written"])

    # --- trade ------------------------------------------------------------------------

    def _trade(self, network: Network, inputs: Inputs, stores: Sequence[str]) -> list[Visited]:
        orders = self._read_orders(inputs)
        late = len(orders) // LATE_SHARE
        began = time.monotonic()
        self._place(network, orders[late:])
        seconds = time.monotonic() - began
        self.table.add("orders_placed_per_second", self._placed / seconds, "orders/s")
        self.table.add("post_p50", percentile(self._latencies, 0.5), "ms")
        self.table.add("post_p99", percentile(self._latencies, 0.99), "ms")
        self.say(f"{self._placed:,} orders placed in {seconds:.0f} s; the stores begin to work.")
        context = multiprocessing.get_context("spawn")
        with (
            ProcessPoolExecutor(
                self.size.workers, context, initializer=start_worker, initargs=(network,)
            ) as pool,
            ThreadPoolExecutor(1) as shopper,
        ):
            began = time.monotonic()
            rest = shopper.submit(self._place, network, orders[:late])
            done = self._visit_all(pool, stores, 1)
            rest.result()
            done += self._work_off(pool, network)
            self._report_work(done, time.monotonic() - began)
            self.say("All work is done; every store syncs once more and shows what it has.")
            looked = list(pool.map(do_visit, self._looks(stores), chunksize=CHUNK))
        problems = [problem for one in done for problem in one.problems]
        looked[0].problems += problems
        return looked

    def _read_orders(self, inputs: Inputs) -> list[PastOrder]:
        source = open_source(inputs.orders)
        mapping = load_mapping("orders", None, ["placed_at=placed_at | datetime:America/New_York"])
        with OrderStage() as stage, ProblemReport(None, Counts()) as report:
            run_import(source, RowChecker("orders", mapping, source), stage, report)
            orders = [one for one in stage.orders() if isinstance(one, PastOrder)]
        assert report.counts.bad == 0
        assert len(orders) == inputs.purchases
        return orders

    def _place(self, network: Network, orders: Sequence[PastOrder]) -> None:
        """Place orders through the public API, several clients at a time."""
        placer = RemotePlacer(
            network.url, network.api_key, SystemClock(), timed=self._latencies.append
        )
        with (
            contextlib.closing(placer),
            ThreadPoolExecutor(self.size.clients, thread_name_prefix="client") as clients,
        ):
            for refused in clients.map(placer.place, orders):
                if refused:
                    self._refused[" ".join(refused.split()[:4])] += 1
                else:
                    self._placed += 1

    def _visit_all(
        self, pool: ProcessPoolExecutor, stores: Iterable[str], number: int
    ) -> list[Visited]:
        whole = set(list(stores)[:WHOLE_STORES])
        visits = [Visit(store, number, whole=store in whole) for store in stores]
        done = []
        for one in pool.map(do_visit, visits, chunksize=CHUNK):
            done.append(one)
            if len(done) % 200 == 0:
                self.say(f"{len(done)} of {len(visits)} stores visited")
        return done

    def _work_off(self, pool: ProcessPoolExecutor, network: Network) -> list[Visited]:
        """Visit stores with open work until there is none: rejected orders wander on."""
        done: list[Visited] = []
        with httpx.Client(base_url=network.url, trust_env=False, timeout=60.0) as client:
            client.headers["authorization"] = f"Bearer {network.api_key}"
            for turn in range(2, TURNS_MAX):
                open_work = list(_stores_with_open_work(client))
                if not open_work:
                    break
                self.say(f"{len(open_work)} stores have open work")
                done += self._visit_all(pool, open_work, turn)
            else:
                done[0].problems.append("work is left that no visit finishes")
        return done

    def _looks(self, stores: Sequence[str]) -> Iterator[Visit]:
        for index, store in enumerate(stores):
            yield Visit(store, TURNS_MAX, whole=index < WHOLE_STORES, look_only=True)

    def _report_work(self, done: Sequence[Visited], seconds: float) -> None:
        fates: Counter[str] = sum((one.fates for one in done), Counter())
        pushed = sum(one.figures.pushed for one in done)
        push_seconds = sum(one.figures.push_seconds for one in done)
        self.table.add("orders_placed", self._placed, "orders")
        self.table.add("orders_refused_for_lack_of_stock", sum(self._refused.values()), "orders")
        self.table.add("store_visits", len(done), "visits")
        self.table.add("operations_pushed", pushed, "operations")
        self.table.add("operations_per_second_of_work", pushed / seconds, "operations/s")
        self.table.add("operations_per_second_of_push", pushed / max(push_seconds, 0.001),
                       f"operations/s a worker, {self.size.workers} at once")  # fmt: skip
        self.table.add("feed_rows_pulled", sum(one.figures.rows for one in done), "rows")
        self.table.add("snapshots_installed", sum(one.figures.snapshots for one in done))
        self.table.add("handed_over_with_the_network_cut",
                       sum(one.handed_over_while_cut for one in done), "orders")  # fmt: skip
        for fate, count in sorted(fates.items()):
            self.table.add(f"orders_{fate}", count, "orders")

    def _short_of_promise(self, visited: Sequence[Visited], inputs: Inputs) -> Iterable[str]:
        """Say where the replay itself was smaller than it claims to be."""
        self.table.add("stores_reconciled", len(visited), "stores")
        self.table.add("stores_with_orders", len(inputs.stores), "stores")
        if not self._placed:
            yield "no order was placed"
        if not any(one.products for one in visited):
            yield "no store has the catalogue"
        reached = (len(visited), self._skus, self._placed)
        for what, number, least in zip(("stores", "SKUs", "orders"), reached, LEAST, strict=True):
            if self.size.is_claim and number < least:
                yield f"{number:,} {what} are fewer than {least:,}"
        for words, count in self._refused.items():
            if not words.startswith("no location can promise"):
                yield f"{count} orders were refused: {words} ..."


def _stores_with_open_work(client: httpx.Client) -> Iterator[str]:
    cursor = None
    while True:
        parameters = {"limit": "200", **({"cursor": cursor} if cursor else {})}
        page = client.get("/v1/stores", params=parameters).raise_for_status().json()
        for store in page["stores"]:
            if store["open_work"]["total"]:
                yield store["id"]
        cursor = page["next"]
        if cursor is None:
            return


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
