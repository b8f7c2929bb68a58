"""A card's number enters nowhere: typed into every field of the terminal, nothing keeps it."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from textual.widgets import Input

from store_client.screens.today import TodayScreen
from store_client.services import drawer, inbox
from store_client.services.desk import Desk
from sync.domain import operations as op
from sync.domain import ship_operations as so
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.people import Role
from sync.domain.pickups import PickupPolicy
from sync.domain.reservations import Reservation
from tests.architecture.tree import ROOT
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, make_catalogue, make_order, make_people, sku_of
from tests.support.filled_store import fill, open_filled
from tests.support.ship_store import HARBOR, SWIFT, parcel
from tests.support.terminals import Terminal, actor_of, hash_pin, terminal, till_settings

CARD = "4111111111111111"
HOUR_MS = 3_600_000
NEW, READY, CURBSIDE, PICKED, PACKED, ASIDE, LATER = range(7)
FLOWS = ("pickup", "pickup", "curbside", "ship_from_store", "ship_from_store", "reserve", "reserve")


class Place(NamedTuple):
    """A field: how one gets there. `=` types, `!` calls an action, `#` goes to a field."""

    steps: tuple[str, ...]
    order: int | None = None
    role: Role = Role.ASSOCIATE


SOLD = ("f3", "=gooseneck", "enter")
WHO = ("f8", "f6", "2", "=50", "enter")
PLACES: dict[str, tuple[Place, ...]] = {
    "screens/stock_lookup.py:compose_body": (Place(("f3",)),),
    "screens/stock_lookup.py:action_sell": (Place((*SOLD, "f6")),),
    "screens/reserve_item.py:compose": tuple(
        Place((*SOLD, "f7", f"#reserve-{name}")) for name in ("name", "phone", "quantity")
    ),
    "screens/hand_over.py:_input": (
        *(Place(("f6", f"#{name}"), READY) for name in ("code", "recipient")),
        *(Place(("f6", "f4", "1", f"#{name}"), READY) for name in ("approver", "approver-pin")),
    ),
    "screens/tender.py:compose": (Place(("f6",), ASIDE),),
    "screens/tender.py:_ask_code": (Place(("f6", "f6"), ASIDE), Place(("f6", "f8"), ASIDE)),
    "screens/approval.py:_field": tuple(
        Place((*WHO, f"#approval-{name}")) for name in ("by", "why", "pin")
    ),
    "screens/inbox.py:action_done": (Place(("f9", "f6"), role=Role.LEAD),),
    "screens/inbox.py:action_new": (Place(("f9", "f4")),),
    "screens/inbox.py:_ask_about": (Place(("f9", "f4", "=Call", "enter")),),
    "screens/inbox.py:_ask_which": (
        Place(("f9", "f4", f"={'x' * 495}", "enter", f"={sku_of(0)}", "enter")),
    ),
    "screens/inbox.py:_ask_due": (Place(("f9", "f4", "=Call", "enter", "enter")),),
    "screens/drawer.py:action_next": (Place(("f8", "enter")),),
    "screens/drawer.py:_moved": (Place(("f8", "f6", "1")),),
    "screens/shelf.py:_ask_spot": (Place(("f8",), READY), Place(("f8",), ASIDE)),
    "screens/shelf.py:_ask_reason.counted": (Place(("!short", "1"), NEW),),
    "screens/fetching.py:action_extend": (Place(("!extend",), READY),),
    "flows/curbside/screen.py:arrival_question": (Place(("ctrl+n",), CURBSIDE),),
    "flows/reserve/screen.py:action_extend": (Place(("!extend",), LATER),),
    "flows/ship/screen.py:action_pack_some": (Place(("f6",), PICKED),),
    "flows/ship/screen.py:_weigh": (Place(("enter",), PICKED),),
    "flows/ship/screen.py:_by_hand": (Place(("f7", "5"), PACKED),),
}
"""Where text can be typed, by the function that makes the field."""

NAMED = {
    "screens/sign_in.py:compose_body": "who signs in: a person of the store is chosen, or nobody",
    "screens/sell.py:_field": "who approves: a person of the store is found, or nobody",
    "screens/dialogs.py:compose": "the field of every question: each of them is here",
}
"""Fields that are not gone through here, and why."""


def orders_of(now_ms: int) -> list[FulfillmentOrder]:
    """An order of every flow."""
    made = [make_order(number, now_ms) for number in range(3)]
    made[CURBSIDE] = replace(made[CURBSIDE], flow="curbside")
    made += [parcel(number, now_ms, carrier="harbor") for number in (PICKED, PACKED)]
    until_ms = now_ms + 20 * HOUR_MS
    for number in (ASIDE, LATER):
        hold = Reservation(until_ms, until_ms + 48 * HOUR_MS)
        made.append(
            replace(
                make_order(number, now_ms), flow="reserve", pickup_code_hash="",
                expires_at_ms=until_ms, reserve=hold,
            )
        )  # fmt: skip
    return made


@pytest.fixture
def store(tmp_path):
    """A real store's files, with work of every flow and an open drawer."""
    clock = FrozenClock()
    opened = open_filled(tmp_path / "store", clock)
    row = replace(STORE, carriers=(SWIFT, HARBOR), pickup=PickupPolicy(parking=("P1", "P2")))
    orders = orders_of(clock.now_ms())
    fill(opened, row, make_people(hash_pin()), make_catalogue(), orders)
    for order in orders[READY:LATER]:
        for line in order.lines:
            pick = op.LinePicked(order.id, line.line, line.allocated)
            opened.perform(pick, by="A103", dev="T1")
    for order in (orders[READY], orders[CURBSIDE], orders[ASIDE]):
        opened.perform(op.Staged(order.id, "A1"), by="A103", dev="T1")
    until_ms = clock.now_ms() + 48 * HOUR_MS
    told = op.MarkedReady(orders[READY].id, clock.now_ms(), until_ms)
    opened.perform(told, by="A103", dev="T1")
    lines = tuple(op.LineQuantity(line.line, line.allocated) for line in orders[PACKED].lines)
    opened.perform(so.BoxPacked(orders[PACKED].id, 1, 900, lines), by="A103", dev="T1")
    asked = so.LabelRequested(orders[PACKED].id, 1, "harbor", "express")
    opened.perform(asked, by="A103", dev="T1")
    desk = Desk(opened, clock, actor_of(Role.LEAD), "T1")
    inbox.write_down(desk, inbox.FollowUp("Call them back"))
    drawer.open_drawer(desk, 10_000)
    yield opened
    opened.close()


def keeps(folder: Path, text: str) -> list[str]:
    """Return the files under `folder` in which a text stands."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if text.encode() in path.read_bytes()]


async def go(term: Terminal, place: Place, orders: list[FulfillmentOrder]) -> None:
    """Go to a field, from Today."""
    if place.order is not None:
        term.app.open_order(FLOWS[place.order], orders[place.order].id)
        await term.rest()
    for step in place.steps:
        if step.startswith("="):
            await term.type(step[1:])
        elif step.startswith("#"):
            term.screen.query_one(step).focus()
        elif step.startswith("!"):
            getattr(term.screen, f"action_{step[1:]}")()
            await term.rest()
        else:
            await term.press(step)


async def leave(term: Terminal) -> None:
    """Go back to Today, whatever is open."""
    for _ in range(6):
        if isinstance(term.screen, TodayScreen):
            return
        await term.press("escape")
    raise AssertionError(f"no way back from {term.screen}")


@pytest.mark.anyio
@pytest.mark.slow
async def test_no_field_of_the_terminal_keeps_a_card_number(store, tmp_path):
    """In every field, by everybody who may type there: no file has it, and no key is needed."""
    orders = orders_of(store.clock.now_ms())
    settings = replace(till_settings(tmp_path), log_path=tmp_path / "terminal.log")
    async with terminal(store, store.clock, settings=settings) as term:
        for name, places in PLACES.items():
            for place in places:
                term.app.actor = actor_of(place.role)
                await go(term, place, orders)
                field = term.app.focused
                assert isinstance(field, Input), f"{name}: {place.steps} lead to no field"
                field.value = ""
                await term.type(CARD)
                await term.press("enter", "enter")
                assert keeps(tmp_path, CARD) == [], f"{name}: {place.steps}"
                await leave(term)
        await term.press("f9", "f4")
        await term.type("Call about 4711 0815")
        await term.press("enter", "enter", "enter", "1")
    assert keeps(tmp_path, "Call about 4711 0815"), "what may be written down is found there"


def test_no_field_is_forgotten():
    """Every field that the terminal makes is gone through, or it is said why not."""
    assert PLACES.keys() | NAMED.keys() == set(_fields())
    assert PLACES.keys() & NAMED.keys() == set()


def _fields() -> Iterator[str]:
    root = ROOT / "store_client"
    for folder in ("screens", "flows", "widgets"):
        for path in sorted((root / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from _made(tree, f"{path.relative_to(root).as_posix()}:", ())


def _made(node: ast.AST, file: str, within: tuple[str, ...]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        inner = within
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (*within, child.name)
        if isinstance(child, ast.Call) and getattr(child.func, "id", "") in {"Input", "Question"}:
            yield file + ".".join(inner)
        yield from _made(child, file, inner)
