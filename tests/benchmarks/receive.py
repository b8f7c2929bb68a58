"""sync_pull_rows_per_s and bootstrap_100k_skus_s: a store receives, over loopback HTTP, durably.

The pull is a store's morning after a long outage: all of its stock, its open
orders, a third of all prices and a few thousand products have changed.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from central_server.bootstrap import Parts
from central_server.records import Price
from central_server.services.catalogue_intake import StockItem, batches
from store_client.replica.store import Store
from sync.edge.puller import pull_all
from sync.edge.pusher import push_all
from sync.protocol.rows import CATALOGUE_SCOPE, prices_scope, store_scope
from sync.protocol.session import ScopeHead
from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, median, seconds
from tests.benchmarks.site import a_central, a_store, daemon_of, temporary
from tests.support.network import ZONE, Size, location_of, product_of, sku_of
from tests.support.real_central import RealCentral

CHANGED_PRICES = 30_000
CHANGED_PRODUCTS = 3_000
ORDERS = 1_000
PULL_SIZE = Size(stores=1, skus=50_000, stocked=50_000, on_hand=1_000)
PULLS = 3
BOOTSTRAP_SIZE = Size(stores=1, skus=100_000, stocked=2_000)
BOOTSTRAPS = 3
RAW_WORDS = "rows/s of executemany into a bare encrypted sqlcipher3 file, {}, 1,000 a transaction"


def measure_pull() -> Iterator[Figure]:
    """Change rows at central and pull them, three times; the median counts."""
    found: dict[str, list[float]] = {}
    raw = []
    with (
        temporary() as folder,
        a_central(folder, PULL_SIZE, ORDERS) as central,
        a_store(folder, central) as machine,
        machine.opened() as store,
    ):
        daemon = daemon_of(store, central.url)
        assert daemon.run_once().ok
        key = store_key(machine.folder)
        for turn in range(PULLS):
            for name, rate in _pull_once(daemon._endpoint, store, central, turn).items():
                found.setdefault(name, []).append(rate)
            raw.append(baselines.inserts_per_s(folder / "raw.db", "NORMAL", key))
    words = RAW_WORDS.format("NORMAL")
    for name, rates in found.items():
        yield Figure(name, median(rates), "rows/s", words, median(raw))


def _pull_once(endpoint: Any, store: Store, central: RealCentral, turn: int) -> dict[str, float]:
    with central.opened() as parts:
        _change(parts, turn)
    heads = {head.scope: head for head in push_all(endpoint, store.journal).heads}
    scopes = {
        "stock": store_scope(location_of(1)),
        "price": prices_scope(ZONE),
        "product": CATALOGUE_SCOPE,
    }
    # All of the store's own scope is read anew: stock and orders.
    store.writer.reset(scopes["stock"], "measured")
    counts, took = {}, {}
    for name, scope in scopes.items():
        began = time.perf_counter()
        counts[name] = _pull(endpoint, store, heads, scope)
        took[name] = time.perf_counter() - began
    rates = {"sync_pull_rows_per_s": sum(counts.values()) / sum(took.values())}
    rates |= {f"pull_{name}_rows_per_s": counts[name] / took[name] for name in scopes}
    return rates


def _pull(endpoint: Any, store: Store, heads: dict[str, ScopeHead], scope: str) -> int:
    # Other scopes are listed at the cursor that they have, so that they are kept and not pulled.
    listed = tuple(
        head
        if head.scope == scope
        else ScopeHead(scope=head.scope, rev=store.writer.cursor(head.scope).rev)
        for head in heads.values()
    )
    life = store.writer.cursor(CATALOGUE_SCOPE).incarnation
    return pull_all(endpoint, store.writer, listed, store.files.parts, incarnation=life).rows


def _change(parts: Parts, turn: int) -> None:
    for numbers in batches(range(1, CHANGED_PRICES + 1)):
        parts.intake.prices([Price(ZONE, sku_of(n), 700 + n + turn, "USD") for n in numbers])
    for numbers in batches(range(1, CHANGED_PRODUCTS + 1)):
        parts.intake.products([product_of(n) for n in numbers])
    parts.intake.stock([StockItem(location_of(1), sku_of(1), 900 + turn)], f"count-{turn}")


def store_key(folder: Path) -> str:
    """Return the key of a store machine's files."""
    return (folder / "store.key").read_text(encoding="ascii").strip()


def measure_bootstrap() -> Iterator[Figure]:
    """Let a new replica of 100,000 SKUs begin from nothing, until its search finds a product."""
    with temporary() as folder, a_central(folder, BOOTSTRAP_SIZE) as central:
        built = seconds(lambda: _build(central))
        with a_store(folder, central) as machine:
            took = [_bootstrap(machine, central.url) for _ in range(BOOTSTRAPS)]
            rows = (
                BOOTSTRAP_SIZE.skus
                * 3
                / baselines.inserts_per_s(folder / "raw.db", "NORMAL", store_key(machine.folder))
            )
    words = f"the time of 3 rows a SKU (product, barcode, price) at: {RAW_WORDS.format('NORMAL')}"
    yield Figure("bootstrap_100k_skus_s", median(took), "s", words, rows)
    yield Figure("snapshot_build_100k_skus_s", built, "s", words, rows)


def _build(central: RealCentral) -> None:
    with central.opened() as parts:
        for scope in (CATALOGUE_SCOPE, prices_scope(ZONE)):
            parts.central.sync._snapshots.manifest(scope)


def _bootstrap(machine: Any, url: str) -> float:
    for path in machine.folder.glob("replica.db*"):
        path.unlink()
    with machine.opened() as store:
        daemon = daemon_of(store, url)
        began = time.perf_counter()
        report = daemon.run_once()
        hits = store.products("walnut kettle")
        took = time.perf_counter() - began
        assert report.ok, report
        assert hits
        return took
