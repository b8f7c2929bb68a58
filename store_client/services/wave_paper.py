"""A wave's pick list on paper: one walk, place by place, with the tote of each unit."""

from store_client.services.desk import Desk, Refusal
from store_client.services.printing import queue_pick_list
from store_client.services.receipts import RULE, WIDTH, pair
from store_client.services.waves import Wave, WaveName, find
from store_client.services.words import day_time, units
from sync.domain.people import Action
from sync.domain.waves import PickMode
from sync.protocol.rows import StoreRow


def wave_text(wave: Wave, store: StoreRow | None, now_ms: int) -> str:
    """Return what is still to be picked of a wave, 42 columns; then which order each tote is."""
    lines = [f"WAVE {wave.name}".center(WIDTH).rstrip(), day_time(store, now_ms, now_ms), RULE]
    sorts_later = wave.mode is PickMode.SORT_AFTER_PICK
    for row in wave.rows:
        if not row.to_pick:
            continue
        lines += [pair(row.shelf.words, row.sku), f"{row.to_pick} × {row.name}"[:WIDTH]]
        if not sorts_later:
            lines += [f"    {count} into tote {tote}" for tote, count in row.totes]
    if sorts_later:
        lines += [RULE, "Sorted into totes afterwards."]
    totes = [pair(f"Tote {tote.number}", tote.order.order_number) for tote in wave.totes]
    return "\n".join([*lines, RULE, *totes, ""])


def print_wave(desk: Desk, key: WaveName) -> str:
    """Let the pick list of a wave wait for a printer; return what to say."""
    desk.require(Action.PRINT)
    wave = find(desk, key)
    if not wave.to_pick:
        raise Refusal("Everything of this wave is picked.", "There is nothing left to walk for.")
    text = wave_text(wave, desk.store.store_row(), desk.clock.now_ms())
    queue_pick_list(desk, f"wave {wave.name}", text, [tote.order for tote in wave.totes])
    return f"Pick list of {units(len(wave.totes), 'tote')} waits for the printer"
