"""The shipping desk: when each carrier comes, what is still to do for it, waves and manifests."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.flows.ship import commands, manifests
from store_client.screens.desk import DeskScreen
from store_client.screens.dialogs import ConfirmDialog
from store_client.screens.wave import WaveScreen
from store_client.services import waves
from store_client.services.cutoffs import CarrierClock, clocks, parcels_of
from store_client.services.desk import Desk, Refusal
from store_client.services.words import units
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.flows.ship import NAME, shipment_of
from sync.domain.fulfillment import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the desk: a carrier, a wave, or a box that waits."""

    key: str
    what: str
    tone: str
    state: str
    due: str
    note: str
    short: str = ""
    """`state` where there is little room."""
    carrier: str = ""
    wave: waves.WaveName | None = None
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the desk shows, read at one moment."""

    rows: list[Row]
    free: int
    made: list[str]


def _cells(row: Row) -> Sequence[Cell]:
    return (
        Cell(row.what, row.tone, bold=not row.order_id),
        Cell(row.state, "", row.short),
        Cell(row.due, row.tone),
        Cell(row.note, "dim"),
    )


_LOOKS = Looks(
    (
        Column("CARRIER, WAVE, BOX", 25, share=2),
        Column("STATE", 22, share=1),
        Column("CUT-OFF", 22),
        Column("", 20, share=1, leaves=1),
    ),
    key=lambda row: row.key,
    cells=_cells,
    empty="No carrier comes to this store, and no wave is open.",
)


class ShippingDeskScreen(DeskScreen):
    """Carriers with their clocks, open waves, and the boxes on their way out."""

    HELP_TEXT = (
        "Carriers stand in the order in which they come, with what has to be labeled before the"
        " cut-off. F6 puts the most urgent orders into a wave: one walk through the store, one tote"
        " an order. F7 puts every labeled box of the carrier under the cursor on its manifest; F8"
        " says that the carrier has taken what is on it. All of it works without a network."
    )
    LOOKS = _LOOKS
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f6", "wave", "Start a wave with the most urgent orders", id="start_wave"),
        Binding("f7", "manifest", "Manifest: list this carrier's boxes", id="manifest"),
        Binding("f8", "taken", "The carrier has taken what is listed", id="taken"),
    ]

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Enter", "Open"),
            Hint("F6", "Start wave", "screen.wave"),
            Hint("F7", "Manifest", "screen.manifest"),
            Hint("F8", "Taken", "screen.taken"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    async def read(self) -> None:
        """Read the rows and show them."""
        desk = self.desk
        seen = await self.host.off_loop(partial(self._look, desk))
        facts = Content.assemble(
            (f"{seen.free} to pick, in no wave", tone_style("work" if seen.free else "dim")),
            ("   waves and boxes below", tone_style("dim")),
        )
        self.query_one("#inbox-facts", Static).update(facts)
        self.query_one("#desk", WorkList).show_rows(seen.rows, empty=_LOOKS.empty)
        if seen.made:
            self.query_one(Says).good(seen.made[-1])

    def _look(self, desk: Desk) -> Seen:
        store, now_ms = desk.store.store_row(), desk.clock.now_ms()
        parcels = parcels_of(desk)
        rows = [_carrier_row(clock, store, now_ms) for clock in clocks(store, parcels, now_ms)]
        for wave in waves.waves_of(parcels.begun):
            state = f"{wave.picked} of {wave.picked + wave.to_pick} picked"
            rows.append(
                Row(f"wave {wave.name}", f"≡ Wave {wave.name}", "work", state,
                    f"{units(len(wave.totes), 'tote')}, {desk.name_of(wave.picker)}", "",
                    wave=wave.key)
            )  # fmt: skip
        rows += [row for order in parcels.begun for row in _box_rows(order)]
        free = len(waves.free_orders(parcels.begun)) + len(parcels.new)
        return Seen(rows, free, commands.follow_up(desk, parcels.begun))

    # --- acting -------------------------------------------------------------------------

    @property
    def _current(self) -> Row | None:
        found: Row | None = self.query_one("#desk", WorkList).current
        return found

    @on(WorkList.Chosen, "#desk")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        row = self._current
        if row is None:
            return
        if row.wave:
            self.app.push_screen(WaveScreen(row.wave))
        elif row.order_id:
            self.host.open_order("ship_from_store", row.order_id)
        else:
            self.action_manifest()

    def action_wave(self) -> None:
        """Start a wave and open it."""
        self.do(partial(waves.start, flow=NAME), self._wave_started)

    def _wave_started(self, wave: waves.Wave) -> None:
        self.app.push_screen(WaveScreen(wave.key))

    def action_manifest(self) -> None:
        """List the labeled boxes of the carrier under the cursor."""
        row = self._current
        if row is None or not row.carrier:
            self.refuse(Refusal("Choose a carrier.", "The cursor stands on something else."))
            return
        self.do(partial(manifests.close, carrier=row.carrier), self._said)

    def action_taken(self) -> None:
        """Ask whether the carrier has taken what is listed."""
        row = self._current
        if row is None or not row.carrier:
            self.refuse(Refusal("Choose a carrier.", "The cursor stands on something else."))
            return
        carrier = row.carrier
        dialog = ConfirmDialog("Carrier", f"{row.what}: has the driver taken all listed boxes?",
                               yes="Taken")  # fmt: skip

        def answered(yes: bool | None) -> None:
            if yes:
                self.do_answer(partial(manifests.hand_over, carrier=carrier), self._said)

        self.app.push_screen(dialog, answered)

    def _said(self, done: manifests.Done) -> str:
        self.store_changed()
        return done.says + ("" if self.host.reaches_central else " Central hears of it later.")


def _carrier_row(clock: CarrierClock, store: Any, now_ms: int) -> Row:
    said = clock.said(store, now_ms)
    parts = [
        f"{count} {word}"
        for count, word in (
            (clock.to_do, "to do"), (clock.labeled, "labeled"), (clock.listed, "listed"),
        )
        if count
    ]  # fmt: skip
    short = f"{clock.to_do} to do {clock.labeled}▥ {clock.listed}▦"
    return Row(
        f"carrier {clock.pickup.carrier}", f"⇥ {clock.pickup.name}", said.tone,
        ", ".join(parts) or "nothing yet", str(said), ", ".join(clock.pickup.services),
        short,
        carrier=clock.pickup.carrier,
    )  # fmt: skip


def _box_rows(order: FulfillmentOrder) -> list[Row]:
    rows = []
    for box in shipment_of(order).boxes:
        if not box.is_here:
            continue
        state, tone = _box_state(box)
        rows.append(
            Row(f"box {order.id}/{box.number}", f"  {order.order_number}, box {box.number}", tone,
                state, "", box.tracking or box.carrier, order_id=order.id)
        )  # fmt: skip
    return rows


def _box_state(box: Any) -> tuple[str, str]:
    if box.manifest:
        return "▦ listed", "good"
    if box.tracking:
        return "▥ labeled", "work"
    if box.requested_at_ms is not None:
        return "… label asked", "warn"
    return ("! no label: carrier", "bad") if box.problem else ("▤ no label yet", "work")
