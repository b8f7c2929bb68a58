"""`central-server demo`: a retailer on this machine, with one store's terminal on your screen."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from central_server.demo.day import Day
from central_server.demo.processes import Processes, command, environment, run_in_foreground
from central_server.demo.shopper import WAYS, Shopper, keep_buying
from central_server.demo.stores import STORE_MODULE, DemoStore
from sync.clock import SystemClock
from sync.domain.pickups import PickupPolicy

CENTRAL_MODULE = "central_server"
STORES = ("S001", "S002", "S003")
PARKING = ("P1", "P2", "P3")
PAUSE_S = 12.0
ASSOCIATE_PAUSE_S = 2.0
READY_SECONDS = 30.0
LOOK_EVERY_S = 0.05
SCOPES = ("orders:write", "orders:read", "stores:read", "availability:read")
SEED = 2026


@dataclass
class Site:
    """The demo while it runs."""

    stores: list[DemoStore]
    client: httpx.Client
    processes: Processes


def play(folder: Path, *, interactive: bool) -> int:
    """Run the demo in `folder` and return the exit code. Everything it starts ends with it."""
    out = sys.stdout
    print("Holdshelf demo: central, three stores, and a shopper.", file=out, flush=True)
    with site(folder.resolve()) as running:
        shopper = Shopper(running.client, Random())
        if interactive:
            return _on_screen(running, shopper)
        until_ready(running.client)
        day = Day(running.stores, shopper, running.client, SystemClock(), out)
        return 0 if day.play() else 1


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Start central and the stores; stop them at the end of the block.

    What an earlier demo prepared is used again, and nothing waits for central:
    a store opens without it.
    """
    processes = Processes(folder / "logs")
    port = _free_port()
    stores = [DemoStore(location_id, folder / location_id) for location_id in STORES]
    prepared = _prepared(folder, stores)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10.0,
        headers={"Authorization": f"Bearer {prepared.api_key}"},
    )  # fmt: skip
    try:
        processes.start(
            "central", CENTRAL_MODULE, "serve", env=_environment(folder / "central", port)
        )
        with ThreadPoolExecutor(len(stores)) as pool:
            connected = pool.map(lambda store: store.connect(processes, port), stores)
            list(connected)
            if prepared.codes:
                until_ready(client)
                list(pool.map(lambda code: stores[code[0]].enrol(code[1]), prepared.codes))
        for store in stores:
            store.start_daemon(processes)
        yield Site(stores, client, processes)
    finally:
        client.close()
        processes.stop()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the first demo in a folder leaves for the next."""

    api_key: str
    codes: tuple[tuple[int, str], ...] = ()
    """(which store, enrolment code) of stores that are still to be enrolled."""


def _prepared(folder: Path, stores: list[DemoStore]) -> Prepared:
    """Return the API key of an earlier demo, or make everything: it takes some seconds once."""
    kept = folder / "api.key"
    if kept.exists() and all(store.is_enrolled for store in stores):
        return Prepared(kept.read_text(encoding="ascii"))
    from central_server.bootstrap import opened
    from central_server.config import CentralSettings

    print("Preparing the sample network; the next demo starts at once.", flush=True)
    with opened(CentralSettings(data_dir=folder / "central", demo=True)) as parts:
        parts.migrate()
        parts.load_sample()
        for store in stores:
            parts.tills.set_pickup_policy(store.location_id, PickupPolicy(parking=PARKING))
        key = parts.central.keys.create("demo shopper", SCOPES)
        codes = tuple(
            (number, str(parts.central.enrolment.create_code(store.location_id)["code"]))
            for number, store in enumerate(stores)
            if not store.is_enrolled
        )
    kept.write_text(key, encoding="ascii")
    return Prepared(key, codes)


def _environment(data_dir: Path, port: int) -> dict[str, str]:
    return {
        "HOLDSHELF_CENTRAL_DATA_DIR": str(data_dir),
        "HOLDSHELF_CENTRAL_PORT": str(port),
        "HOLDSHELF_CENTRAL_DEMO": "true",
    }


def until_ready(client: httpx.Client) -> None:
    """Wait until central answers that it is ready."""
    clock = SystemClock()
    began = clock.monotonic_ms()
    while clock.monotonic_ms() - began < READY_SECONDS * 1000:
        with contextlib.suppress(httpx.HTTPError):
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        clock.sleep(LOOK_EVERY_S)
    raise RuntimeError("central did not become ready: see the demo's logs/central.log")


def _on_screen(running: Site, shopper: Shopper) -> int:
    """Open the first store's terminal here; the others have practice associates."""
    mine, *others = running.stores
    for number, store in enumerate(others):
        store.start_associate(running.processes, SEED + number, ASSOCIATE_PAUSE_S)
    stopping = threading.Event()
    locations = [store.location_id for store in running.stores]
    buyer = threading.Thread(
        target=_shop, args=(running, shopper, locations, stopping), name="shopper", daemon=True
    )
    buyer.start()
    try:
        return run_in_foreground(
            command(STORE_MODULE, "--data-dir", str(mine.folder), "run"),
            environment(mine.environment),
        )
    finally:
        stopping.set()
        buyer.join(timeout=5)


def _shop(running: Site, shopper: Shopper, locations: list[str], stopping: threading.Event) -> None:
    """Buy a first handful of every kind at the store on the screen, then go on everywhere."""
    until_ready(running.client)
    for way in WAYS:
        shopper.buy(locations[0], way)
    keep_buying(shopper, locations, Random(), stopping, PAUSE_S)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
