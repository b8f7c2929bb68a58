"""Central's disk is full, or does not keep what it is given: refused in words, and nothing lost."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from central_server.services.verification import verify
from tests.processes.conftest import Site, lines_of
from tests.processes.reckoning import reckon
from tests.processes.test_central_killed import work_off
from tests.support.spoiled_disk import mend, skip_unless_possible, spoil
from tests.support.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]

ORDERS = 30
SHOPPERS = 4
REFUSED_MIN = 40
WORDS = {"full": "disk is full", "fsync": "disk fails"}


@dataclass
class Shoppers:
    """Places orders from several threads; one that is refused is sent again under its key."""

    site: Site
    first: int
    placed: list[dict[str, Any]] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Let them shop."""
        for shopper in range(SHOPPERS):
            start = self.first + shopper * 10_000
            thread = threading.Thread(target=self._shop, args=(start,))
            self._threads.append(thread)
            thread.start()
        return self

    def _shop(self, number: int) -> None:
        while not self._ending.is_set():
            answer = send_order(self.site, number)
            if answer.status_code == httpx.codes.CREATED:
                self.placed.append(answer.json())
                number += 1
            else:
                self.refused.append(answer)

    def __exit__(self, *_: object) -> None:
        """Let them finish what they have in hand."""
        self._ending.set()
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive()


def send_order(site: Site, number: int) -> httpx.Response:
    """Send order `number`, whatever comes of it."""
    lines = [{"sku": sku, "quantity": units} for sku, units in lines_of(number)]
    body = {"location_id": "S001", "customer": {"name": f"Customer {number}"}, "lines": lines}
    return site.central.client.post(
        "/v1/orders", json=body, headers={"Idempotency-Key": f"order-{number}"}
    )


@pytest.fixture
def switch(site: Site, tmp_path: Path) -> Iterator[Path]:
    """Let the site's central work on a disk that can be told to fail."""
    skip_unless_possible()
    site.central.terminate()
    site.central.switch = tmp_path / "switch"
    site.central.start()
    yield site.central.switch
    mend(site.central.switch)


def check_refusal(answer: httpx.Response, kind: str) -> None:
    """It says in the documented form that this is central's trouble, and when to come back."""
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    document = answer.json()
    assert document["code"] == "try_later"
    assert WORDS[kind] in document["detail"]
    assert "SQL" not in answer.text


def check_bulk(site: Site, kind: str) -> None:
    """Each order of many is refused by itself, in the same words."""
    body = {
        "location_id": "S001", "customer": {"name": "Many"},
        "lines": [{"sku": "SKU-000001", "quantity": 1}],
    }  # fmt: skip
    orders = [{"key": f"bulk-{number}", "order": body} for number in range(3)]
    answer = site.central.client.post("/v1/bulk/orders", json={"orders": orders})
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [503] * 3
    assert all(WORDS[kind] in one["problem"]["detail"] for one in results)


@pytest.mark.parametrize("kind", ["full", "fsync"])
def test_a_failing_disk_refuses_in_words_and_work_goes_on_when_it_is_well(
    site: Site, switch: Path, kind: str
) -> None:
    """Orders and pushes are refused while it lasts, reads go on; then the same process works."""
    placed = site.place(ORDERS)
    assert site.store.sync_once()["ok"]
    site.cut()
    done = work_off(site)
    site.restore()
    process = site.central.process
    with Shoppers(site, first=1_000) as shoppers:
        until(lambda: len(shoppers.placed) >= SHOPPERS * 3, "orders flow")
        spoil(switch, kind)
        until(lambda: len(shoppers.refused) >= REFUSED_MIN, "orders are refused")
        report = site.store.sync_once()
        known = site.central.client.get(f"/v1/orders/{placed[0]['id']}")
        check_bulk(site, kind)
        backlog, before = site.backlog, len(shoppers.placed)
        mend(switch)
        until(lambda: len(shoppers.placed) >= before + SHOPPERS * 3, "orders flow again")
    for answer in shoppers.refused:
        check_refusal(answer, kind)
    assert report["ok"] is False
    assert (known.status_code, backlog) == (200, len(done))
    site.store.start_daemon()
    site.until_in_step()
    assert site.central.process is process
    reckon(site.central, site.store, done, placed + shoppers.placed, site.size)
    print(
        f"central's disk, {kind}: {len(shoppers.refused)} orders refused, each placed once later,"
        f" {len(done)} operations kept; {shoppers.refused[0].json()['detail']!r}"
    )


@pytest.mark.parametrize("kind", ["full", "fsync"])
def test_central_that_is_killed_on_a_failing_disk_keeps_what_it_acknowledged(
    site: Site, switch: Path, kind: str
) -> None:
    """SIGKILL while its disk fails: the next one has all it answered for; SIGTERM ends well."""
    placed = site.place(ORDERS)
    spoil(switch, kind)
    for number in range(ORDERS + 1, ORDERS + 6):
        check_refusal(send_order(site, number), kind)
    site.central.kill()
    if kind == "full":
        mend(switch)  # its index of the log needs room
    site.central.start()
    if kind == "fsync":
        assert site.central.client.get(f"/v1/orders/{placed[0]['id']}").status_code == 200
        check_refusal(send_order(site, ORDERS + 1), kind)
    mend(switch)
    with site.central.opened() as parts, parts.database.read() as view:
        kept = view.orders.get_many([one["id"] for one in placed])
    assert len(kept) == ORDERS
    again = site.place(10, first=ORDERS - 4)
    assert {one["id"] for one in again[:5]} <= {one["id"] for one in placed}
    assert len({one["id"] for one in placed + again}) == ORDERS + 5
    with site.central.opened() as parts:
        assert verify(parts.database) == []
    spoil(switch, kind)
    assert site.central.terminate() == 0
    print(f"killed while its disk was {kind}: {ORDERS} of {ORDERS} orders kept, 5 placed later")
