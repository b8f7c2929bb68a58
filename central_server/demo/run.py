"""`central-server demo`: a retailer on this machine, with one store's terminal on your screen."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from central_server.bootstrap import opened
from central_server.config import CentralSettings
from central_server.demo.day import Day
from central_server.demo.processes import Processes, command, environment, run_in_foreground
from central_server.demo.shopper import Shopper, keep_buying
from central_server.demo.stores import STORE_MODULE, DemoStore
from sync.clock import SystemClock

CENTRAL_MODULE = "central_server"
STORES = ("S001", "S002", "S003")
ORDERS_AT_START = 6
PAUSE_S = 6.0
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
        day = Day(running.stores, shopper, running.client, SystemClock(), out)
        return 0 if day.play() else 1


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Start central and the stores; stop them at the end of the block."""
    processes = Processes(folder / "logs")
    port = _free_port()
    settings = CentralSettings(data_dir=folder / "central", demo=True, port=port)
    stores = [DemoStore(location_id, folder / location_id) for location_id in STORES]
    key, codes = _prepare(settings, [one.location_id for one in stores if not one.is_enrolled])
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"},
        trust_env=False, timeout=10.0,
    )  # fmt: skip
    try:
        processes.start("central", CENTRAL_MODULE, "serve", env=_environment(settings))
        for store in stores:
            store.connect(processes, port)
        _until_ready(client)
        for store in stores:
            if store.location_id in codes:
                store.enrol(codes[store.location_id])
            store.start_daemon(processes)
        yield Site(stores, client, processes)
    finally:
        client.close()
        processes.stop()


def _prepare(settings: CentralSettings, to_enrol: list[str]) -> tuple[str, dict[str, str]]:
    """Make database, sample network, API key and enrolment codes, before central is served."""
    with opened(settings) as parts:
        parts.migrate()
        if not parts.central.stores.page("", 1)[0]:
            parts.load_sample()
        key = parts.central.keys.create("demo shopper", SCOPES)
        codes = {one: str(parts.central.enrolment.create_code(one)["code"]) for one in to_enrol}
    return key, codes


def _environment(settings: CentralSettings) -> dict[str, str]:
    return {
        "HOLDSHELF_CENTRAL_DATA_DIR": str(settings.data_dir),
        "HOLDSHELF_CENTRAL_PORT": str(settings.port),
        "HOLDSHELF_CENTRAL_DEMO": "true",
    }


def _until_ready(client: httpx.Client) -> None:
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
    for _ in range(ORDERS_AT_START):
        shopper.buy(mine.location_id)
    for number, store in enumerate(others):
        store.start_associate(running.processes, SEED + number, ASSOCIATE_PAUSE_S)
    stopping = threading.Event()
    locations = [store.location_id for store in running.stores]
    buyer = threading.Thread(
        target=keep_buying, args=(shopper, locations, Random(), stopping, PAUSE_S), daemon=True
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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
