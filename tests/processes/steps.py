"""Kills a store's process with -9 at every commit of every step of a flow, and goes on after it.

    python -m tests.processes.steps pickup FOLDER

For each commit of each step (before and after it, of the journal and of the view) a
process of its own works the order from its first step, and kills itself there. The
next process finds what is on the disk and works to the end, as an associate does who
reads the screen. One line of output each: where it was killed, what had been shown as
done, and what the store then holds.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from store_client.adapters.payment_terminals import SimulatedTerminal
from store_client.devices import Devices
from store_client.flows.curbside import commands as curbside
from store_client.flows.pickup import board as pickup_board
from store_client.flows.pickup import commands as pickup
from store_client.flows.reserve import commands as reserve
from store_client.flows.ship import board as ship_board
from store_client.flows.ship import commands as ship
from store_client.flows.ship import manifests
from store_client.replica.store import Files, Store
from store_client.services import (
    drawer,
    drawer_book,
    reserving,
    shelf,
    tender_report,
    tendering,
    waves,
)
from store_client.services.counter import HandOver
from store_client.services.desk import Desk
from store_client.services.scanner import Code
from store_client.services.waves import WaveName
from sync.domain.flows import status_of
from sync.domain.flows.curbside import NAME as CURBSIDE
from sync.domain.flows.curbside import arrival_of
from sync.domain.flows.ship import NAME as SHIP
from sync.domain.fulfillment import FulfillmentOrder, RefusalReason, ShortReason
from sync.domain.paying import due_of, reservation_of
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.tenders import TenderState
from sync.domain.waves import PickMode
from sync.edge.sqlite import CommitPoint
from sync.protocol.lines import decode_line
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, STORE, make_catalogue, make_order, make_people
from tests.support.filled_store import fill, open_filled
from tests.support.ship_store import HARBOR, SWIFT, parcel
from tests.support.terminals import actor_of

PRICE_MINOR = 2_000
CASH_MINOR = 500
STEPS_MAX = 40
BOARD = {"wave": "pickup", "unwanted": "pickup"}
"""Of what is not a flow of its own: the flow whose order is worked on."""
Step = Callable[[Desk], bool]
"""Does the next step; False where nothing is left to do."""


def the_order(desk: Desk, flow: str) -> FulfillmentOrder | None:
    """Return the one order of a flow."""
    rows = desk.store.board(flow, include_closed=True)
    return desk.store.fulfillment(rows[0].id) if rows else None


def next_pickup(desk: Desk) -> bool:
    """Do what the pickup screen's first line says."""
    order = the_order(desk, "pickup")
    assert order is not None
    return _fetch(
        desk, order, pickup_board.next_step(pickup_board.facts_of(order), desk.clock.now_ms())
    )


def _fetch(desk: Desk, order: FulfillmentOrder, step: pickup_board.Step) -> bool:
    match step:
        case pickup_board.Step.ACCEPT:
            shelf.accept(desk, order.id)
        case pickup_board.Step.PICK:
            line = next(line for line in order.lines if line.to_pick)
            shelf.pick_by_hand(desk, order.id, line.line)
        case pickup_board.Step.STAGE:
            shelf.stage(desk, order.id, "A1")
        case pickup_board.Step.READY:
            pickup.mark_ready(desk, order.id)
        case pickup_board.Step.HAND_OVER:
            told = HandOver(pickup.everything(order), code=CODE)
            pickup.hand_over(desk, order.id, told)
        case _:
            return False
    return True


def next_curbside(desk: Desk) -> bool:
    """Get an order ready, let the customer arrive, and bring it out."""
    order = the_order(desk, CURBSIDE)
    assert order is not None
    step = pickup_board.next_step(pickup_board.facts_of(order), desk.clock.now_ms())
    if step is not pickup_board.Step.HAND_OVER:
        return _fetch(desk, order, step)
    if arrival_of(order) is None:
        curbside.arrived(desk, order.id, "P1", "red van")
        return True
    pickup.hand_over(desk, order.id, HandOver(pickup.everything(order), code=CODE))
    return True


def next_wave(desk: Desk) -> bool:
    """Pick an order in a wave whose units are sorted afterwards, and shelve it."""
    order = the_order(desk, "pickup")
    assert order is not None
    step = pickup_board.next_step(pickup_board.facts_of(order), desk.clock.now_ms())
    if order.wave is None and step is pickup_board.Step.ACCEPT:
        waves.start(desk, "pickup", mode=PickMode.SORT_AFTER_PICK)
        return True
    name = WaveName("pickup", order.wave.name if order.wave is not None else "")
    match step:
        case pickup_board.Step.PICK:
            waves.pick_row(desk, name, next(line for line in order.lines if line.to_pick).sku)
        case pickup_board.Step.SORT:
            line = next(line for line in order.lines if order.to_sort(line))
            waves.sort_scan(desk, name, Code(line.sku))
        case pickup_board.Step.HAND_OVER:
            return False
        case _:
            return _fetch(desk, order, step)
    return True


def next_unwanted(desk: Desk) -> bool:
    """Get an order ready, by mistake once, of which the customer takes nothing; put it back."""
    order = the_order(desk, "pickup")
    assert order is not None
    step = pickup_board.next_step(pickup_board.facts_of(order), desk.clock.now_ms())
    kinds = {one.kind for one in desk.store.fates_of(order.id)}
    if step is pickup_board.Step.PICK and "line_short_picked" not in kinds:
        line = next(line for line in order.lines if line.to_pick)
        shelf.short(desk, order.id, line.line, 1, ShortReason.DAMAGED)
    elif step is pickup_board.Step.HAND_OVER and "unstaged" not in kinds:
        shelf.unstage(desk, order.id)
    elif "unstaged" in kinds and pickup.everything(order) and order.ready_at_ms is not None:
        pickup.refuse_everything(desk, order.id, RefusalReason.CHANGED_MIND)
    elif step is pickup_board.Step.PUT_BACK:
        shelf.put_back_all(desk, order.id)
    else:
        return _fetch(desk, order, step)
    return True


def next_reservation(desk: Desk) -> bool:
    """Open the drawer, reserve, fetch, take some cash, the rest by card, and hand over."""
    if drawer_book.open_session(desk.store, desk.device) is None:
        drawer.open_drawer(desk, 10_000)
        return True
    order = the_order(desk, "reserve")
    if order is None:
        hit = replace(make_catalogue()[7], price_minor=PRICE_MINOR)
        reserving.reserve(desk, hit, reserving.Wish("Ann", 1), Random(1))
        return True
    if status_of(order).value == "converted":
        return False
    line = next((line for line in order.lines if line.to_pick), None)
    if line is not None:
        reserve.pick_by_hand(desk, order.id, line.line)
        return True
    tenders = reservation_of(order).tenders
    if not tenders:
        tendering.pay_cash(desk, order.id, CASH_MINOR, CASH_MINOR)
    elif any(one.state is TenderState.ASKED for one in tenders):
        tendering.ask_card_again(desk, order.id)
    elif due_of(order) > 0:
        tendering.pay_card(desk, order.id)
    else:
        tendering.sell(desk, order.id, tuple((one.line, one.deliverable) for one in order.lines))
    return True


def next_parcel(desk: Desk) -> bool:
    """Do what the parcel's screen says, as far as the carrier."""
    order = the_order(desk, SHIP)
    assert order is not None
    match ship_board.next_step(ship_board.facts_of(order)):
        case ship_board.Step.ACCEPT:
            shelf.accept(desk, order.id)
        case ship_board.Step.PICK:
            line = next(line for line in order.lines if line.to_pick)
            ship.pick_by_hand(desk, order.id, line.line)
        case ship_board.Step.PACK:
            ship.pack(desk, order.id, "900")
        case ship_board.Step.LABEL:
            ship.label(desk, order.id)
        case ship_board.Step.LIST:
            manifests.list_box(desk, order)
        case ship_board.Step.HAND_OVER:
            manifests.hand_over_order(desk, order)
        case _:
            return False
    return True


FLOWS: dict[str, Step] = {
    "pickup": next_pickup,
    CURBSIDE: next_curbside,
    "wave": next_wave,
    "unwanted": next_unwanted,
    "reserve": next_reservation,
    SHIP: next_parcel,
}


def prepare(flow: str, folder: Path, clock: FrozenClock) -> None:
    """Fill a store with one order of a flow; a reservation begins at the counter."""
    store = open_filled(folder, clock)
    order = make_order(0, clock.now_ms())
    orders = {
        "pickup": [order], "wave": [order], "unwanted": [order],
        CURBSIDE: [replace(order, flow=CURBSIDE)],
        SHIP: [parcel(1, clock.now_ms())],
    }.get(flow, [])  # fmt: skip
    row = replace(STORE, carriers=(SWIFT, HARBOR), pickup=PickupPolicy(parking=("P1",)))
    fill(store, row, make_people(), make_catalogue(), orders)
    store.close()


class Killer:
    """A hook around commits that ends this process at the n-th of them, as a power cut does."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def __call__(self, file: str, point: CommitPoint) -> None:
        """Count, and kill."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def work(flow: str, folder: Path, clock: FrozenClock, hook: Killer) -> None:
    """Work an order to its end; tell each step once it is durable, as the screen does."""
    store = Store(Files(folder), clock, key="", boot_id="boot-1", hook=hook)
    devices = Devices(SimulatedTerminal(folder / "psp.json"))
    desk = Desk(store, clock, actor_of(Role.ASSOCIATE), "T1", devices=devices)
    with (folder / "shown").open("a", encoding="utf-8") as shown:
        for _ in range(STEPS_MAX):
            if not FLOWS[flow](desk):
                break
            shown.write(f"{store.journal.head().seq}\n")
            shown.flush()
        else:
            raise AssertionError("the work does not end")
    outcome = {**held(store, folder, flow), "commits": hook.count}
    (folder / "outcome.json").write_text(json.dumps(outcome))
    store.close()


def held(store: Store, folder: Path, flow: str) -> dict[str, Any]:
    """Return everything that must be as if nobody had pulled the plug."""
    lines = store.journal.lines_after(0, 1_000, 1_000_000)
    done = [asdict(decode_line(line).op) for line in lines]
    row = store.board(BOARD.get(flow, flow), include_closed=True)[0]
    shown = [int(line) for line in (folder / "shown").read_text().split()]
    found: dict[str, Any] = {
        "operations": done, "view": json.loads(store.views()[0]), "status": row.status.value,
        "effects": sorted(store.pending_effects()), "shown": shown,
        "charges": sorted(SimulatedTerminal(folder / "psp.json").charges().values()),
    }  # fmt: skip
    if flow == "reserve":
        session = drawer_book.sessions(store, "T1")[-1]
        report = tender_report.report_of(session)
        found |= {"drawer": session.expected_minor, "balanced": report.is_balanced}
    return found


def run(flow: str, folder: Path, clock: FrozenClock, at: int) -> int:
    """Work in a process of its own; return how it ended, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            work(flow, folder, clock, Killer(at))
        except BaseException:  # noqa: BLE001 - the parent is told, and pytest is not inherited
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Kill at each commit in turn, until a run has no such commit any more."""
    flow, root = sys.argv[1], Path(sys.argv[2])
    clock = FrozenClock()
    prepare(flow, root / "start", clock)
    shutil.copytree(root / "start", root / "whole")
    assert run(flow, root / "whole", clock, 0) == 0
    whole = json.loads((root / "whole" / "outcome.json").read_text())
    print(json.dumps({"at": 0, **whole}), flush=True)
    for at in range(1, whole["commits"] + 1):
        folder = root / f"at-{at}"
        shutil.copytree(root / "start", folder)
        killed = run(flow, folder, clock, at)
        ended = run(flow, folder, clock, 0)
        outcome = folder / "outcome.json"
        told = json.loads(outcome.read_text()) if outcome.exists() else {}
        print(json.dumps({"at": at, "killed": killed, "ended": ended, **told}), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
