"""The pictures in the guide to a shift are what the screens show; `make snapshots` takes them."""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from textual.binding import Binding

from store_client.replica.print_queue import PrintJobs
from store_client.services.desk import TerminalSettings
from sync.domain.people import Role
from tests.architecture.tree import ROOT
from tests.screens.guide_scenes import FLOW_SCENES, Scene
from tests.screens.test_pictures import busy, offline
from tests.store_client.printing.test_queue import ROUTES, receipt
from tests.support.clocks import FrozenClock
from tests.support.fake_store import CODE, FakeStore, Item, gtin_of, make_order, make_store
from tests.support.terminals import QUIET_SECONDS, Terminal, hash_pin, terminal, till_settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.snapshot,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are taken on 3.11"),
]
GUIDE = ROOT / "store_client" / "GUIDE.md"
FOLDER = ROOT / "tests" / "screens" / "guide"
BYTES_MAX = 48_000
_FETCHED = re.compile(r"\s*@font-face \{.*?\}\n|\s*<!--.*?-->\n", re.DOTALL)


def slim(picture: str) -> str:
    """Return a picture without the fonts that it would fetch from elsewhere."""
    return "\n".join(line.rstrip() for line in _FETCHED.sub("\n", picture).splitlines()) + "\n"


async def sign_in(term: Terminal, store: FakeStore) -> None:
    """Somebody has typed their number."""
    del store
    await term.type("A103")
    await term.press("enter")


async def today(term: Terminal, store: FakeStore) -> None:
    """The queue in the morning."""
    del term, store


async def pick(term: Terminal, store: FakeStore) -> None:
    """Two of three units are picked."""
    del store
    await term.press("enter")
    for index in (0, 0):
        await term.scan(gtin_of(index))


async def shelf(term: Terminal, store: FakeStore) -> None:
    """Everything is picked and lies at A2."""
    await pick(term, store)
    await term.scan(gtin_of(1))
    await term.scan("A2")


async def counter(term: Terminal, store: FakeStore) -> None:
    """The customer stands there; a wrong code was typed first."""
    await shelf(term, store)
    await term.press("enter", "enter")
    await term.type("WRONG123")
    await term.press("enter")
    await term.press(*["backspace"] * 8)
    await term.type(CODE)


async def problem(term: Terminal, store: FakeStore) -> None:
    """F7 on an order."""
    await pick(term, store)
    await term.press("f7")


async def without_network(term: Terminal, store: FakeStore) -> None:
    """Cut off for a while, with work that waits."""
    offline(store)
    await term.look()
    await pick(term, store)


async def locked(term: Terminal, store: FakeStore) -> None:
    """Nobody touched it."""
    await pick(term, store)
    await term.press("ctrl+o")


async def approval(term: Terminal, store: FakeStore) -> None:
    """Cash out, which a lead approves."""
    del store
    await term.press("f8", "enter", "enter", "f6", "2")
    await term.type("50")
    await term.press("enter")
    await term.type("A102")
    await term.press("enter")
    await term.type("bank run")


async def inbox(term: Terminal, store: FakeStore) -> None:
    """Two follow-ups, one of them late."""
    now_ms = store.clock.now_ms()
    words = "1 × Ostrand Linen Apron Sage: no store has it. Ask what they want instead."
    store.inbox = [
        Item("E1", "unsourced", words, now_ms - 3_600_000, now_ms - 600_000,
             order_number="K7Q2-0002"),
        Item("E2", "mail_failed", "The message “ready” came back.", now_ms, now_ms + 7_200_000,
             order_number="K7Q2-0003"),
    ]  # fmt: skip
    store.version += 1
    await term.look()
    await term.press("f9")


async def printing(term: Terminal, store: FakeStore) -> None:
    """A printer that is off, and a copy."""
    queue = term.app.settings.devices.queue
    assert isinstance(queue, PrintJobs)
    now_ms = store.clock.now_ms()
    for number in (1, 2, 3):
        queue.add(receipt(f"receipt-K7Q2-000{number}-1", f"Receipt {number}"), now_ms)
    first = queue.claim("counter")
    assert first is not None
    queue.printed(first.id)
    second = queue.claim("counter")
    assert second is not None
    queue.in_doubt(second.id, "the printer broke off: connection reset")
    assert isinstance(store.clock, FrozenClock)
    store.clock.advance(1_000)
    await term.look()
    await term.press("ctrl+r")


def one_order(clock: FrozenClock) -> FakeStore:
    """A store with one order that is due in an hour and a half."""
    store = make_store(clock, pin_hash=hash_pin())
    store.add(make_order(0, clock.now_ms()))
    return store


SCENES: dict[str, tuple[Scene, Callable[[FrozenClock], FakeStore]]] = {
    "sign-in": (sign_in, one_order),
    "today": (today, busy),
    "pick": (pick, one_order),
    "shelf": (shelf, one_order),
    "counter": (counter, one_order),
    "problem": (problem, one_order),
    "offline": (without_network, one_order),
    "locked": (locked, one_order),
    "approval": (approval, one_order),
    "inbox": (inbox, one_order),
    "printing": (printing, one_order),
    **FLOW_SCENES,
}


@pytest.mark.parametrize("name", SCENES)
async def test_a_picture_of_the_guide_is_what_the_screen_shows(name, request, tmp_path):
    """Whoever follows the guide sees this."""
    scene, make = SCENES[name]
    clock = FrozenClock()
    store = make(clock)
    queue = PrintJobs(tmp_path / "print.db", ROUTES, ("counter", "office"))
    settings = till_settings(tmp_path)
    settings = replace(settings, devices=replace(settings.devices, queue=queue))
    role = None if name == "sign-in" else Role.ASSOCIATE
    async with terminal(store, clock, role=role, settings=settings) as term:
        await scene(term, store)
        await term.look()
        picture = slim(term.app.export_screenshot(title=""))
    queue.close()
    path = FOLDER / f"{name}.svg"
    if request.config.getoption("--snapshot-update", default=False):
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == picture, "look at it, then `make snapshots`"
    assert len(picture) < BYTES_MAX


def test_the_guide_shows_every_picture_and_no_other():
    """None is missing, none is left over, none fetches anything from elsewhere."""
    shown = re.findall(r"\(\.\./tests/screens/guide/([\w-]+)\.svg\)", GUIDE.read_text("utf-8"))
    assert sorted(shown) == sorted(SCENES)
    assert sorted(path.stem for path in Path(FOLDER).glob("*.svg")) == sorted(SCENES)
    for path in FOLDER.glob("*.svg"):
        links = set(re.findall(r"https?://[^\s\"')]+", path.read_text("utf-8")))
        assert links == {"http://www.w3.org/2000/svg"}


def test_the_keys_of_the_guide_are_keys_of_the_terminal():
    """Every function key and control key that it names is bound somewhere."""
    from store_client import app
    from store_client.flows import ALL_FLOWS_UI
    from store_client.screens.drawer import DrawerScreen
    from store_client.screens.inbox import InboxScreen
    from store_client.screens.printing import PrintScreen
    from store_client.screens.stock_lookup import StockLookupScreen
    from store_client.screens.tender import TenderScreen
    from store_client.screens.today import TodayScreen
    from store_client.screens.wave import WaveScreen

    desks = [flow.desk for flow in ALL_FLOWS_UI if flow.desk is not None]
    bound = {desk.key.upper() for desk in desks}
    screens = [flow.screen for flow in ALL_FLOWS_UI] + [desk.screen for desk in desks]
    own = (DrawerScreen, InboxScreen, PrintScreen, StockLookupScreen, TenderScreen, TodayScreen)
    for screen in (app.StoreApp, WaveScreen, *own, *screens):
        for kind in inspect.getmro(cast("type", screen)):
            for binding in vars(kind).get("BINDINGS", ()):
                key = binding.key if isinstance(binding, Binding) else binding[0]
                bound.add(key.replace("ctrl+", "^").upper())
    named = set(re.findall(r"\*\*(F\d+|\^[A-Z])\*\*", GUIDE.read_text("utf-8")))
    assert named
    assert named <= bound
    assert TerminalSettings().poll_seconds < QUIET_SECONDS
