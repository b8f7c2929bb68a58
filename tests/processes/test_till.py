"""A till that writes files and asks over HTTP, beside a daemon that is killed at random moments."""

import json
import socket
import threading
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.processes.conftest import Site
from tests.support.network import sku_of
from tests.support.real_store import kill
from tests.support.told_figures import Tell
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

FILES = 240
KILLS = 5
HTTP_SALES = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connect(site: Site) -> tuple[Path, int]:
    """Switch folder and address on, in the store's own settings file."""
    folder, port = site.store.folder / "pos", free_port()
    settings = f"pos_folder = {json.dumps(str(folder))}\npos_port = {port}\n"
    (site.store.folder / "store.toml").write_text(settings)
    folder.mkdir()
    return folder, port


def drop(folder: Path, number: int, units: int) -> None:
    """Leave a sale as tills should: written under another name, then renamed."""
    lines = [{"sku": sku_of(number % 5 + 1), "quantity": units}]
    path = folder / f"{number:05}.json.tmp"
    path.write_text(json.dumps({"transaction": f"F{number}", "lines": lines}))
    path.rename(path.with_suffix(""))


def client(site: Site, port: int) -> httpx.Client:
    token = (site.store.folder / "pos.token").read_text()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/v1/healthz").status_code == 401
    except httpx.TransportError:
        return False


def on_hand(site: Site) -> int:
    return sum(units for units, _ in site.store.digest().stock.values())


def test_sales_are_counted_once_whoever_is_killed(site: Site, tell: Tell) -> None:
    """Files while the network is cut and the daemon dies; HTTP; then central knows each once."""
    random = Random(7)
    folder, port = connect(site)
    assert site.store.sync_once()["ok"]
    before = on_hand(site)
    site.cut()
    sold = 0
    for batch in range(KILLS):
        daemon = site.store.start_daemon()
        for number in range(batch * FILES // KILLS, (batch + 1) * FILES // KILLS):
            units = random.randint(1, 3)
            drop(folder, number, units)
            sold += units
        waited = until_some_are_taken(folder, random)
        kill(daemon)
        assert waited
    site.store.start_daemon()
    until(lambda: not list(folder.glob("*.json")), "all files are taken", within_s=60)
    until(lambda: answers(port), "the till is answered", within_s=30)
    with client(site, port) as till:
        for number in range(HTTP_SALES):
            sale = {"transaction": f"H{number}", "lines": [{"sku": sku_of(1), "quantity": 1}]}
            first, again = (till.post("/v1/sales", json=sale) for _ in range(2))
            assert (first.status_code, again.status_code) == (201, 200)
            assert first.json() == again.json()
            sold += 1
    site.restore()
    site.until_in_step()
    counted = before - on_hand(site)
    assert counted == sold
    tell(f"{KILLS} kills; {FILES} files and {HTTP_SALES} sales over HTTP, each told twice; {sold}"
         f" units sold, {counted} counted")  # fmt: skip
    assert not list((folder / "failed").iterdir())
    assert len(list((folder / "done").iterdir())) == FILES
    told = json.loads(site.store.run("status", "--json").stdout)
    assert (told["sales_taken"], told["sales_failed"]) == (FILES + HTTP_SALES, [])


def until_some_are_taken(folder: Path, random: Random) -> bool:
    """Wait until the daemon is in the middle of it, and a little longer."""
    done = folder / "done"
    before = len(list(done.iterdir())) if done.exists() else 0
    until(lambda: done.exists() and len(list(done.iterdir())) > before, "files are taken",
          within_s=30)  # fmt: skip
    threading.Event().wait(random.uniform(0, 0.1))
    return True
