"""Receipts of a reservation once more: as copies, and where one is gone or does not print."""

from dataclasses import replace
from pathlib import Path

import pytest

from store_client.devices import PrintKind
from store_client.replica import till
from store_client.replica.print_queue import PrintJobs
from store_client.services import tendering
from store_client.services.desk import Actor, Desk, Refusal
from store_client.services.printing import QueuedReceipts
from store_client.services.receipt_copies import receipt_name, receipts_again
from sync.domain.people import Role
from tests.support.central_world import World
from tests.support.counter import aside, online
from tests.support.store_side import StoreSide


def test_a_receipt_is_printed_again_from_its_reservation(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path
):
    """Word for word and as COPY, a part of it sold or all, and by whoever asks later."""
    _, key = online(world, store)
    aside(desk, key)
    with pytest.raises(Refusal, match="Nothing of it was sold"):
        receipts_again(desk, key)
    texts = []
    for _ in range(2):
        tendering.pay_cash(desk, key, 1_000, 1_000)
        texts.append(tendering.sell(desk, key, ((1, 1),)).text)
    queue = PrintJobs(tmp_path / "print.db", {PrintKind.RECEIPT: "counter"}, ("counter",))
    later = replace(desk, actor=Actor("A2", "Lee", Role.ASSOCIATE))
    assert "2 receipts once more" in receipts_again(later, key).says
    copies = [path.read_text() for path in sorted((tmp_path / "receipts").glob("*-copy.txt"))]
    assert [copy.splitlines()[1:-1] for copy in copies] == [text.splitlines() for text in texts]
    assert all(copy.split()[0] == copy.split()[-1] == "COPY" for copy in copies)
    queued = QueuedReceipts(desk.devices.receipts, queue, store.clock)
    printing = replace(later, devices=replace(desk.devices, receipts=queued, queue=queue))
    receipts_again(printing, key)
    jobs = [queue.claim("counter") for _ in range(2)]
    assert [job.is_copy for job in jobs if job] == [True, True]
    queue.close()


class OutOfPaper:
    """A printer that takes nothing, or takes only so many."""

    def __init__(self, kept, takes: int = 0) -> None:
        self._kept = kept
        self._takes = takes

    def print(self, name: str, text: str, code: str = "") -> str:
        if self._takes == 0:
            raise OSError("out of paper")
        self._takes -= 1
        return name

    def kept(self, name: str) -> str:
        return self._kept.kept(name)


def test_receipts_of_which_one_is_gone_or_does_not_print(
    world: World, store: StoreSide, desk: Desk, tmp_path: Path, monkeypatch
):
    """What is kept is printed, what is not is named; a printer without paper is named as that.

    The second receipt has a name of its own also where the store has taken so much money
    since that the first sale is not among the newest.
    """
    _, key = online(world, store)
    aside(desk, key)
    for _ in range(2):
        tendering.pay_cash(desk, key, 1_000, 1_000)
        sold = tendering.sell(desk, key, ((1, 1),))
    with monkeypatch.context() as busy:
        busy.setattr(till, "MONEY_OPERATIONS_MAX", 1)
        assert receipt_name(desk, sold.order).endswith("-2")
    folder = tmp_path / "receipts"
    first, second = sorted(folder.glob("receipt-*"))
    kept = desk.devices.receipts
    for takes, says in ((0, "^out of paper"), (1, "^1 receipt printed, then not: out of paper")):
        broken = replace(desk, devices=replace(desk.devices, receipts=OutOfPaper(kept, takes)))
        with pytest.raises(Refusal, match=says):
            receipts_again(broken, key)
    first.unlink()
    says = receipts_again(desk, key).says
    assert says.startswith("1 receipt once more")
    assert says.endswith("NOT kept here: number 1")
    second.unlink()
    with pytest.raises(Refusal, match="2 receipts of it, and none is kept here"):
        receipts_again(desk, key)
