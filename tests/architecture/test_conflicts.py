"""Each row of the conflict catalogue has its tests, and each of these says the whole outcome.

`ROWS` is the catalogue: what happened, and the tests that play it through the real edge and hub.
Each says what the associate reads (a sentence, an alert, a refusal, a note), what the customer is
told, and who has to act until when, nobody included: a test that leaves one of them out fails
here. `WAITING` has the rows that cannot be played, as what they are about does not exist yet.
"""

import ast
from collections.abc import Iterator

from tests.architecture.tree import ROOT

PICKUP, SHIP = "test_catalogue", "test_ship_catalogue"
RESERVE, TRANSFER, MACHINE = (
    "test_reservation_conflicts", "test_transfer_catalogue", "test_machine_catalogue",
)  # fmt: skip
UNITS = "test_cancelled_units"

ROWS: dict[str, dict[str, tuple[str, ...]]] = {
    "cancelled centrally, handed over or shipped offline": {
        PICKUP: (
            "test_cancelled_centrally_and_handed_over_offline",
            "test_what_stays_cancelled_of_an_order_that_was_handed_over_in_part_is_told",
        ),
        SHIP: ("test_cancelled_centrally_and_shipped_offline",),
    },
    "cancelled centrally, picked, staged or packed offline": {
        PICKUP: (
            "test_cancelled_centrally_and_picked_offline",
            "test_the_ready_message_of_a_cancelled_order_is_never_sent",
        ),
        SHIP: (
            "test_cancelled_centrally_and_packed_offline",
            "test_a_request_for_a_label_of_a_cancelled_order_is_refused",
        ),
        RESERVE: ("test_cancelled_centrally_while_the_customer_was_paying",),
    },
    "units cancelled centrally, picked offline": {
        UNITS: ("test_cancelled_centrally_and_picked_offline",),
    },
    "units cancelled centrally, handed over or shipped offline": {
        UNITS: (
            "test_cancelled_centrally_and_handed_over_offline",
            "test_as_many_as_were_left_were_handed_over_offline",
            "test_a_box_that_the_carrier_has_is_shipped",
        ),
    },
    "units cancelled centrally, given up offline": {
        UNITS: (
            "test_cancelled_centrally_and_given_up_offline",
            "test_what_is_not_found_is_what_was_cancelled_first",
            "test_nothing_is_sought_where_all_that_is_not_found_was_cancelled",
            "test_a_parcel_store_that_does_not_find_what_was_cancelled",
        ),
    },
    "units cancelled centrally, in a box offline": {
        UNITS: ("test_units_in_a_box_are_taken_out_and_its_label_is_void",),
    },
    "sold on the floor over a promise": {
        PICKUP: (
            "test_sold_on_the_floor_over_a_promise_is_moved",
            "test_sold_on_the_floor_over_a_promise_that_nobody_else_can_keep",
        ),
        SHIP: ("test_sold_on_the_floor_over_a_parcel_is_sent_by_another_store",),
        RESERVE: (
            "test_sold_on_the_floor_over_a_reservation",
            "test_a_hold_that_is_over_gives_way_by_ending",
        ),
    },
    "a promise that lapsed, and is accepted or kept too late": {
        PICKUP: (
            "test_a_promise_that_lapsed_and_is_confirmed_too_late",
            "test_a_confirmation_that_was_under_way_when_the_promise_lapsed",
            "test_both_stores_handed_over_the_same_order",
        ),
        SHIP: ("test_both_stores_shipped_the_same_parcel",),
    },
    "a hold that ends, and a customer who comes, while the store is away": {
        PICKUP: ("test_a_confirmed_promise_is_kept_to_its_last_day_whoever_is_away",),
        SHIP: ("test_a_week_without_a_network_ships_every_day",),
        RESERVE: (
            "test_a_hold_ends_on_the_terminal_while_cut_off",
            "test_the_reservation_expired_at_central_and_was_paid_offline_before_it_heard",
            "test_the_extension_came_too_late_for_central",
        ),
    },
    "two terminals or two tills of one store": {
        PICKUP: ("test_two_terminals_and_one_order", "test_two_tills_and_the_last_free_units"),
        SHIP: ("test_two_terminals_pack_the_same_units",),
    },
    "the price changed while the store was away": {
        RESERVE: ("test_a_price_that_went_up_while_cut_off_is_recorded",),
    },
    "given up by the store when it was moved or cancelled already": {
        PICKUP: (
            "test_a_line_that_the_store_gives_up_after_it_was_moved",
            "test_a_line_that_the_store_gives_up_after_it_was_cancelled",
        ),
        SHIP: ("test_rejected_offline_after_the_customer_called_off",),
    },
    "a gift card while the store is away": {
        RESERVE: (
            "test_a_gift_card_while_cut_off",
            "test_a_gift_card_within_the_stores_limit_while_cut_off",
        ),
    },
    "a transfer that is received twice, short or over": {
        TRANSFER: (
            "test_a_transfer_that_comes_short_or_over",
            "test_what_comes_short_for_two_is_granted_to_the_first",
            "test_a_transfer_to_a_store_that_is_cut_off",
            "test_a_transfer_that_is_received_twice",
        ),
    },
    "a store that is put back from a backup": {
        MACHINE: ("test_a_store_is_put_back_from_its_backup",),
    },
    "central that is put back from a backup": {
        MACHINE: (
            "test_central_is_put_back",
            "test_central_is_put_back_to_before_an_order",
        ),
    },
    "a copy of a machine": {MACHINE: ("test_a_copy_of_a_machine_that_works_too",)},
    "a device that is revoked": {MACHINE: ("test_a_stolen_device",)},
    "a device that is retired and returns": {MACHINE: ("test_a_retired_device_that_returns",)},
    "a poison operation": {PICKUP: ("test_a_poison_operation_holds_up_nothing",)},
    "a clock that is wrong by days": {PICKUP: ("test_a_clock_that_is_wrong_by_days",)},
    "an item that central does not have, sold": {
        PICKUP: ("test_an_item_that_central_never_had_is_sold",),
    },
}

WAITING = {
    "a price with a date": "price lists hold from the moment in which they are imported",
    "tax or promotion of another version": "there are neither taxes nor promotions",
    "a return of an online order at the counter": "no returns at the counter",
    "a count of stock during sales": "associates count nothing at a terminal",
    "a transfer that is received before it was sent": "stores receive nothing at a terminal",
}
"""What does not exist; `test_rows_of_the_catalogue_wait_for_their_flows` minds its names."""

READS = {"sentence", "sale_sentence", "inbox", "refused", "says", "alerts", "said", "fates_of"}
CUSTOMER, PEOPLE = "customer_reads", "people"


def played_by(file: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each test of a catalogue with the names of what its assertions call."""
    path = ROOT / "tests" / "escrow" / f"{file}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            asserted = (one for one in ast.walk(node) if isinstance(one, ast.Assert))
            yield (
                node.name,
                {
                    getattr(call.func, "id", "") or getattr(call.func, "attr", "")
                    for one in asserted
                    for call in ast.walk(one.test)
                    if isinstance(call, ast.Call)
                },
            )


def test_every_row_says_what_people_read_what_customers_get_and_who_acts():
    """A test of the catalogue with a third of the outcome is no test of the catalogue."""
    there = {(file, name): called for file in files() for name, called in played_by(file)}
    named = {(file, name) for row in ROWS.values() for file, names in row.items() for name in names}
    assert named - there.keys() == set(), "renamed or removed"
    silent = {
        f"{file}::{name}"
        for file, name in named
        if not (READS & there[file, name] and {CUSTOMER, PEOPLE} <= there[file, name])
    }
    assert silent == set()


def files() -> set[str]:
    """Return the files of the catalogue."""
    return {file for row in ROWS.values() for file in row}


def test_no_row_is_without_a_test_or_a_reason():
    """Neither an empty row nor one that is both played and waiting."""
    assert all(names for row in ROWS.values() for names in row.values())
    assert all(ROWS.values())
    assert all(WAITING.values())
    assert not ROWS.keys() & WAITING.keys()
