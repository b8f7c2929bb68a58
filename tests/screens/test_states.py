"""Every screen empty, busy, offline and refused, at both sizes: which picture shows it.

`SCENES` are the pictures of this file, `ELSEWHERE` those of others; `MISSING` says of the cells
that are left why a picture would show nothing of its own.
"""

import ast
import importlib
import pkgutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from store_client.app import StoreApp
from store_client.replica.print_queue import PrintJobs
from store_client.screens.base import TerminalModal, TerminalScreen
from sync.domain.people import Role
from tests.architecture.tree import ROOT
from tests.screens.guide_scenes import drawer, one_reservation
from tests.screens.test_pictures import busy, offline
from tests.store_client.printing.test_queue import ROUTES, receipt
from tests.support.clocks import FrozenClock
from tests.support.fake_store import FakeStore, gtin_of, make_store
from tests.support.parcels import listed_parcel
from tests.support.pickup_store import pickup_store
from tests.support.ship_store import paid_here, parcel, ship_store
from tests.support.terminals import KeyTimes, Terminal, actor_of, hash_pin, till_settings

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
STATES = ("empty", "busy", "offline", "refused")
Steps = Callable[[Terminal], Awaitable[None]]

SCREENS = {
    "sign-in": "SignInScreen", "lock": "LockScreen", "today": "TodayScreen",
    "find": "StockLookupScreen", "sell": "BrokenPromiseScreen", "reserve": "ReserveDialog",
    "inbox": "InboxScreen", "sync": "SyncStatusScreen", "timeline": "OrderDetailScreen",
    "printing": "PrintScreen", "drawer": "DrawerScreen", "approval": "ApprovalDialog",
    "pickup": "PickupScreen", "counter": "HandOverScreen", "pickup desk": "PickupDeskScreen",
    "wave": "WaveScreen", "curbside": "CurbsideScreen", "curbside desk": "CurbsideDeskScreen",
    "parcel": "ShipScreen", "parcel payment": "ParcelPaymentScreen",
    "shipping desk": "ShippingDeskScreen",
    "reservation": "ReserveScreen", "payment": "TenderScreen",
    "question": "ConfirmDialog", "choice": "ChooseDialog", "entry": "EntryDialog",
    "help": "HelpScreen",
}  # fmt: skip
"""Every screen and dialog that can stand in front, by what people call it."""

SHARED = {
    "TypingScreen", "DeskScreen", "FetchingScreen", "RecordingModal", "RecordingScreen",
    "ScanScreen", "ShelfScreen", "WaveDeskScreen", "WorkScreen",
}  # fmt: skip
"""What screens are made of, and never in front."""


class Scene(NamedTuple):
    """A picture of this file: what the store has, and how one gets there."""

    make: Callable[[FrozenClock], FakeStore]
    steps: Steps
    role: Role = Role.ASSOCIATE


def keys(*pressed: str) -> Steps:
    """Steps that press keys; what is no key's name and no letter is typed."""

    async def press(term: Terminal) -> None:
        for one in pressed:
            await (term.type(one[1:]) if one.startswith("=") else term.press(one))

    return press


def small(clock: FrozenClock) -> FakeStore:
    """Three orders, and people with PINs."""
    return make_store(clock, 3, hash_pin())


def away(make: Callable[[FrozenClock], FakeStore]) -> Callable[[FrozenClock], FakeStore]:
    """The same store, away from central."""
    return lambda clock: offline(make(clock))


def answered(clock: FrozenClock) -> FakeStore:
    """A store whose work was taken, taken with a consequence, refused and set aside."""
    store = busy(clock)
    for place, (state, text) in enumerate(
        (("amended", "Put the goods back."), ("refused", "Too long a wait."),
         ("quarantined", "cannot pick 9: 2 left")), 1
    ):  # fmt: skip
        store.journal[-place] = replace(store.journal[-place], state=state, text=text)
    return store


async def timeline_offline(term: Terminal) -> None:
    """What was done, and that central has not heard of it."""
    await term.press("enter")
    for index in (0, 0, 1):
        await term.scan(gtin_of(index))
    await term.press("ctrl+t")


async def prints(term: Terminal) -> None:
    """One job is printed, one may be on paper, one waits for a printer that is away."""
    queue = term.app.settings.devices.queue
    assert isinstance(queue, PrintJobs)
    now_ms = term.app.clock.now_ms()
    for number in (1, 2, 3):
        queue.add(receipt(f"receipt-K7Q2-000{number}-1", f"Receipt {number}"), now_ms)
    done = queue.claim("counter")
    assert done is not None
    queue.printed(done.id)
    broken = queue.claim("counter")
    assert broken is not None
    queue.in_doubt(broken.id, "the printer broke off: connection reset")
    clock = term.app.clock
    assert isinstance(clock, FrozenClock)
    clock.advance(1_000)
    await term.look()
    await term.press("ctrl+r")


async def print_refused(term: Terminal) -> None:
    """Who may only read prints nothing."""
    await prints(term)
    await term.press("f4")


async def drawer_offline(term: Terminal) -> None:
    """Opened and counted with the network cut."""
    await drawer(term, make_store(FrozenClock()))
    await term.press("enter")
    await term.type("100")
    await term.press("enter")


async def approval(term: Terminal) -> None:
    """Cash out: who approves, why, and a PIN that is typed."""
    await keys("f8", "enter", "enter", "f6", "2", "=50", "enter", "=A102", "enter", "=bank run",
               "enter", "=0000")(term)  # fmt: skip


async def approval_refused(term: Terminal) -> None:
    """The PIN was wrong."""
    await approval(term)
    await term.press("enter")


async def reserve(term: Terminal) -> None:
    """A product that may be held."""
    await keys("f3", "=gooseneck", "enter", "f7")(term)


async def reserve_offline(term: Terminal) -> None:
    """A name is typed; what is free is held without a network."""
    await reserve(term)
    await keys("=Ines Hale", "enter")(term)


async def set_aside(term: Terminal) -> None:
    """One of three is set aside."""
    await term.press("enter")
    await term.scan(gtin_of(0))


async def set_aside_refused(term: Terminal) -> None:
    """An item that is not reserved."""
    await term.press("enter")
    await term.scan(gtin_of(4))


def unpaid_parcel(clock: FrozenClock) -> FakeStore:
    """One parcel that waits for its carrier, and is paid here before."""
    store = ship_store(clock)
    order = paid_here(parcel(1, clock.now_ms()))
    store.add(order)
    for done in listed_parcel(order):
        store.perform(done, by="A103", dev="T1")
    return store


TO_PAY = ("f8", "enter", "enter", "escape", "enter", "enter")

SCENES = {
    ("lock", "busy"): Scene(small, keys("enter", "ctrl+o")),
    ("lock", "refused"): Scene(small, keys("ctrl+o", "=0000", "enter")),
    ("sync", "refused"): Scene(answered, keys("ctrl+s")),
    ("timeline", "empty"): Scene(small, keys("enter", "ctrl+t")),
    ("timeline", "offline"): Scene(away(small), timeline_offline),
    ("printing", "empty"): Scene(small, keys("ctrl+r")),
    ("printing", "busy"): Scene(small, prints),
    ("printing", "offline"): Scene(away(small), prints),
    ("printing", "refused"): Scene(small, print_refused, Role.AUDITOR),
    ("drawer", "offline"): Scene(away(make_store), drawer_offline),
    ("drawer", "refused"): Scene(small, keys("f8", "enter", "=ten", "enter")),
    ("approval", "busy"): Scene(small, approval),
    ("approval", "refused"): Scene(small, approval_refused),
    ("reserve", "empty"): Scene(small, reserve),
    ("reserve", "offline"): Scene(away(small), reserve_offline),
    ("parcel payment", "empty"): Scene(unpaid_parcel, keys(*TO_PAY)),
    ("parcel payment", "busy"): Scene(unpaid_parcel, keys(*TO_PAY, "f4")),
    ("parcel payment", "offline"): Scene(away(unpaid_parcel), keys(*TO_PAY, "=10", "f4")),
    ("parcel payment", "refused"): Scene(unpaid_parcel, keys(*TO_PAY, "enter")),
    ("pickup desk", "offline"): Scene(away(lambda clock: pickup_store(clock, 4)), keys("f7")),
    ("reservation", "offline"): Scene(away(one_reservation), set_aside),
    ("reservation", "refused"): Scene(one_reservation, set_aside_refused),
}
"""What is shown here."""

ELSEWHERE = {
    "test_pictures.py": {
        ("sign-in", "busy"): "test_sign_in", ("sign-in", "refused"): "test_sign_in_refused",
        ("today", "empty"): "test_today_empty", ("today", "busy"): "test_today_busy",
        ("today", "offline"): "test_today_offline", ("find", "empty"): "test_find_nothing",
        ("find", "busy"): "test_find_shared", ("find", "offline"): "test_find",
        ("sell", "busy"): "test_sell_promised", ("sell", "refused"): "test_sell_promised_strict",
        ("sell", "offline"): "test_sell_promised_strict",
        ("inbox", "empty"): "test_inbox_empty", ("inbox", "busy"): "test_inbox_busy",
        ("inbox", "offline"): "test_inbox_offline", ("inbox", "refused"): "test_inbox_done",
        ("sync", "empty"): "test_sync_empty", ("sync", "offline"): "test_sync_offline",
        ("timeline", "busy"): "test_order_detail", ("pickup", "busy"): "test_work_picking",
        ("pickup", "refused"): "test_work_refused", ("choice", "busy"): "test_work_problem",
        ("counter", "busy"): "test_hand_over", ("counter", "refused"): "test_hand_over_refused",
        ("counter", "offline"): "test_hand_over_doubtful", ("help", "busy"): "test_help",
    },
    "test_pictures_reserve.py": {
        ("drawer", "empty"): "test_drawer_empty", ("drawer", "busy"): "test_drawer_busy",
        ("reserve", "refused"): "test_reserve_dialog_refused",
        ("reservation", "busy"): "test_reservation_new",
        ("payment", "empty"): "test_payment_empty", ("payment", "busy"): "test_payment_split",
        ("payment", "offline"): "test_payment_offline",
        ("payment", "refused"): "test_payment_refused",
    },
    "test_pickup_pictures.py": {
        ("pickup desk", "empty"): "test_desk_empty", ("pickup desk", "busy"): "test_desk_busy",
        ("pickup desk", "refused"): "test_desk_refused",
        ("pickup", "offline"): "test_spot_full_offline",
        ("curbside", "busy"): "test_curbside_order",
        ("curbside desk", "empty"): "test_curbside_empty",
        ("curbside desk", "busy"): "test_curbside_busy",
        ("curbside desk", "offline"): "test_curbside_offline",
        ("curbside desk", "refused"): "test_curbside_spot_refused",
        ("question", "busy"): "test_no_show",
    },
    "test_ship_pictures.py": {
        ("wave", "empty"): "test_wave_over", ("wave", "busy"): "test_wave_busy",
        ("wave", "offline"): "test_wave_offline", ("wave", "refused"): "test_wave_refused",
        ("parcel", "busy"): "test_order_to_pack",
        ("parcel", "offline"): "test_order_label_asked_offline",
        ("parcel", "refused"): "test_order_label_refused_by_the_carrier",
        ("shipping desk", "empty"): "test_desk_empty",
        ("shipping desk", "busy"): "test_desk_busy",
        ("shipping desk", "offline"): "test_desk_offline",
        ("shipping desk", "refused"): "test_desk_refused",
        ("entry", "busy"): "test_order_weigh", ("entry", "refused"): "test_order_weight_refused",
    },
}  # fmt: skip
"""What other files of pictures show."""

HAS_WORK = "it opens with something to do"
BAR_ALONE = "it asks no network: the bar alone is another, as on Today"
READS = "it only reads: there is nothing to refuse"
SAME = "it is the screen of pickups, with who waits outside on top"
MISSING = {
    ("sign-in", "empty"): "a store without people has not been enrolled",
    ("sign-in", "offline"): BAR_ALONE,
    ("lock", "empty"): HAS_WORK, ("lock", "offline"): BAR_ALONE,
    ("today", "refused"): READS, ("find", "refused"): READS,
    ("sell", "empty"): HAS_WORK, ("reserve", "busy"): "as offline, with another bar",
    ("sync", "busy"): "as refused, with fewer answers", ("timeline", "refused"): READS,
    ("approval", "empty"): HAS_WORK, ("approval", "offline"): BAR_ALONE,
    ("pickup", "empty"): HAS_WORK, ("counter", "empty"): HAS_WORK,
    ("curbside", "empty"): HAS_WORK, ("curbside", "offline"): SAME, ("curbside", "refused"): SAME,
    ("parcel", "empty"): HAS_WORK, ("reservation", "empty"): HAS_WORK,
    ("question", "empty"): HAS_WORK, ("question", "offline"): BAR_ALONE,
    ("question", "refused"): "what is refused is said on the screen that asked",
    ("choice", "empty"): HAS_WORK, ("choice", "offline"): BAR_ALONE,
    ("choice", "refused"): "what is refused is said on the screen that asked",
    ("entry", "empty"): HAS_WORK, ("entry", "offline"): BAR_ALONE,
    **{("help", state): READS for state in ("empty", "offline", "refused")},
}  # fmt: skip


@pytest.fixture
def queue(tmp_path) -> Iterator[PrintJobs]:
    """A print queue of two printers that nobody serves."""
    opened = PrintJobs(tmp_path / "print.db", ROUTES, ("counter", "office"))
    yield opened
    opened.close()


@pytest.mark.snapshot
@pytest.mark.slow
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are taken on 3.11")
@SIZES
@pytest.mark.parametrize("cell", SCENES, ids=lambda cell: "-".join(cell).replace(" ", "-"))
def test_picture(snap_compare, clock, queue, tmp_path, cell, size):
    """The screen in that state is what it was when somebody looked at it last."""
    scene, times = SCENES[cell], KeyTimes()
    settings = till_settings(tmp_path)
    settings = replace(settings, devices=replace(settings.devices, queue=queue))
    app = StoreApp(scene.make(clock), clock, settings, key_ms=times)

    async def run_before(pilot) -> None:
        term = Terminal(app, pilot, times)
        await term.rest()
        app.signed_in(actor_of(scene.role))
        await term.rest()
        await scene.steps(term)
        await term.look()
        assert type(app.screen).__name__ == SCREENS[cell[0]] or cell in IN_A_DIALOG

    assert snap_compare(app, terminal_size=size, run_before=run_before)


IN_A_DIALOG = {("drawer", "refused")}
"""Pictures of which a dialog over the screen says what is refused."""


def test_every_screen_has_every_state_or_a_reason():
    """No cell is left out in silence, none is there twice."""
    shown = [cell for names in ELSEWHERE.values() for cell in names] + [*SCENES]
    assert len(shown) == len(set(shown))
    cells = {(screen, state) for screen in SCREENS for state in STATES}
    assert set(shown) | MISSING.keys() == cells
    assert set(shown) & MISSING.keys() == set()


def test_the_pictures_of_other_files_are_there_at_both_sizes():
    """What the table names is a test, and its pictures lie in the tree."""
    for file, names in ELSEWHERE.items():
        tree = ast.parse((ROOT / "tests" / "screens" / file).read_text(encoding="utf-8"))
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert set(names.values()) <= tests
        folder = ROOT / "tests" / "screens" / "__snapshots__" / file.removesuffix(".py")
        for name in names.values():
            found = {path.name for path in folder.glob(f"{name}[[]*")}
            assert found == {f"{name}[80x24].raw", f"{name}[120x36].raw"}


def test_no_screen_is_forgotten():
    """The table has every screen and dialog of the terminal."""
    assert {one.__name__ for one in every_screen()} - SHARED == set(SCREENS.values())


def test_a_screen_that_lacks_what_it_must_bring_cannot_be_made():
    """What screens must say themselves is missed when one is made, not when it is first painted."""

    class Bare(TerminalScreen):
        """Has no body."""

    with pytest.raises(TypeError, match="compose_body"):
        Bare()  # type: ignore[abstract]


def test_every_screen_has_a_page_of_help():
    """F1 says what one can do there; small dialogs say it themselves."""
    small = {"ConfirmDialog", "ChooseDialog", "EntryDialog", "HelpScreen"}
    shown = [one for one in every_screen() if one.__name__ not in SHARED | small]
    assert [one.__name__ for one in shown if len(one.HELP_TEXT) < 60] == []
    flows = {one.__name__: one.HELP_TEXT for one in shown if ".flows." in one.__module__}
    assert len(set(flows.values())) == len(flows)


def every_screen() -> set[Any]:
    """Return the class of each screen and dialog."""
    import store_client.flows
    import store_client.screens

    for package in (store_client.screens, store_client.flows):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return {*_screens(TerminalScreen), *_screens(TerminalModal)}


def _screens(kind: type[Any]) -> Iterator[Any]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("store_client"):
            yield one
        yield from _screens(one)
