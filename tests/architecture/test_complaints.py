"""What users of other systems complain of, and the tests that show that it cannot happen here.

`COMPLAINTS` has the 25 that were found most often: each in a few words, and the tests that would
fail if it were true of this software. `OPEN` says what is not shown in full, and why.
"""

import ast
from collections.abc import Iterator

from tests.architecture.tree import ROOT

COUNT = 25

COMPLAINTS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: ("Paid orders are gone after a power cut", (
        "store_client/test_terminal_on_disk.py::test_what_the_screen_confirmed_survives_its_end",
        "sync/edge/test_journal.py::test_a_power_cut_takes_back_nothing_that_was_said",
        "processes/test_store_killed.py::test_no_acknowledged_operation_is_lost_or_applied_twice",
    )),
    2: ("A second terminal sends the same work again", (
        "store_client/replica/test_terminals.py::test_two_terminals_pick_each_unit_once",
        "escrow/test_catalogue.py::test_two_terminals_and_one_order",
        "sync/edge/test_holes.py::test_a_copy_of_the_machine_does_not_send_it_too",
    )),
    3: ("Saved by the server, timed out at the client, entered twice", (
        "api/test_orders_http.py::test_repetition_is_replayed",
        "sync/edge/test_rounds.py::test_a_lost_answer_is_no_harm",
    )),
    4: ("A session is closed before everything was sent", (
        "escrow/test_counter_money.py::test_the_count_of_a_drawer_says_what_central_has_not_heard",
        "escrow/test_reservations.py::test_reserved_online_and_paid_in_cash",
    )),
    5: ("Paid offline, and a draft again once another machine syncs", (
        "escrow/test_reservation_conflicts.py::test_the_reservation_expired_at_central_and_was_paid_offline_before_it_heard",
        "sync/edge/test_rounds.py::test_work_goes_up_and_comes_back_as_the_base",
        "processes/test_many_bad_networks.py::test_stores_on_bad_networks_agree_with_central_in_the_end",
    )),
    6: ("A broken sync is not tried again, and nobody sees what was not sent", (
        "sync/edge/test_rounds.py::test_unreachable_is_told_and_tried_again_soon",
        "store_client/test_terminal.py::test_the_bar_says_how_long_the_store_is_offline",
        "store_client/test_terminal.py::test_the_sync_screen_says_what_became_of_each_operation",
    )),
    7: ("A receipt was printed of which there is no record", (
        "escrow/test_reservations.py::test_no_receipt_without_its_record",
    )),
    8: ("After an outage: doubled sales, other quantities, payments that are not applied", (
        "escrow/test_shares.py::test_sales_are_journaled_once_by_the_number_of_the_till",
        "escrow/test_reservations.py::test_split_tender_adds_up_on_both_sides",
        "processes/test_till.py::test_sales_are_counted_once_whoever_is_killed",
    )),
    9: ("Sell all day without a network, then sync, conflicts included", (
        "escrow/test_sales.py::test_thirty_days_of_sales_alone_lose_nothing",
        "escrow/test_ship_catalogue.py::test_a_week_without_a_network_ships_every_day",
        "escrow/test_catalogue.py::test_cancelled_centrally_and_handed_over_offline",
    )),
    10: ("A customer cannot be entered offline", (
        "escrow/test_reservations.py::test_reserved_and_paid_at_the_counter_while_cut_off",
        "store_client/test_terminal_reserve.py::test_reserving_at_the_counter_and_paying_at_once",
    )),
    11: ("Goods cannot be received offline", ()),
    12: ("Nobody in the store is told of a new order", (
        "store_client/test_alerts.py::test_the_terminal_rings_for_new_and_for_late_work_once",
        "api/test_live.py::test_order_pokes_the_store_at_once",
    )),
    13: ("Ready hangs for ever on an error and says nothing", (
        "store_client/test_terminal_honesty.py::test_ready_promises_no_message_that_cannot_be_sent",
        "store_client/test_terminal.py::test_a_disk_that_fails_is_said_and_nothing_is_shown_as_done",
        "store_client/test_terminal.py::test_a_refusal_by_central_is_said_on_the_open_order",
    )),
    14: ("Ready pressed twice is an error", (
        "store_client/test_terminal_slow_disk.py::test_ready_pressed_twice_is_ready_once",
    )),
    15: ("What is sent to a store is done on arrival, before the customer has it", (
        "scenarios/elsewhere.py::transfer_plain",
    )),
    16: ("The second part of an order cannot be packed", (
        "store_client/test_ship_commands.py::test_one_order_in_two_boxes_with_a_label_and_a_slip_each",
        "scenarios/test_flows.py::ship_split",
    )),
    17: ("No proof of who fetched an order", (
        "store_client/test_pickup_commands.py::test_hand_over_with_the_right_code",
        "store_client/test_pickup_commands.py::test_the_number_of_an_id_is_never_taken",
        "store_client/test_terminal_counter.py::test_a_signature_is_for_what_the_slip_says",
    )),
    18: ("Rejecting a part, finding what was rejected, printing a receipt again", (
        "store_client/test_terminal_counter.py::test_short_asks_for_a_reason_and_a_quantity",
        "store_client/test_terminal_counter.py::test_a_refused_item_is_put_back",
        "escrow/test_receipt_copies.py::test_a_receipt_is_printed_again_from_its_reservation",
    )),
    19: ("No pick list without packing; lists that differ; alerts that are off", (
        "store_client/printing/test_terminal_printing.py::test_a_pick_list_waits_for_the_printer",
        "store_client/test_alerts.py::test_without_quiet_hours_it_always_rings_unless_the_bell_is_off",
    )),
    20: ("Scans are lost when a screen is left, and the last item is not counted", (
        "store_client/test_terminal_slow_disk.py::test_a_scan_is_recorded_though_its_screen_is_left_meanwhile",
        "store_client/test_terminal.py::test_scans_in_a_row_are_all_recorded_in_order",
        "store_client/test_codes.py::test_no_scan_is_lost_in_silence_while_the_disk_is_slow",
    )),
    21: ("Work is booked on another store after switching stores", (
        "api/test_sync_http.py::test_store_reads_only_its_own_scopes",
    )),
    22: ("Ready fails because of a line that ended, and mails again with each try", (
        "central_server/services/test_replication.py::test_ready_after_one_line_ended_is_told_once",
    )),
    23: ("Fulfilled from another place than reserved, and both stocks are wrong", (
        "escrow/test_catalogue.py::test_both_stores_handed_over_the_same_order",
        "escrow/test_ship_catalogue.py::test_both_stores_shipped_the_same_parcel",
        "sync/domain/test_transitions.py::test_stock_follows_the_quantities",
    )),
    24: ("No status for what is ready; stock of a franchise is taken for the web", (
        "central_server/services/test_replication.py::test_ready_tells_the_customer",
        "central_server/services/test_promise_rules.py::test_franchise_stock_is_not_for_others",
    )),
    25: ("A quantity cannot be split over places; a store sends what others have", (
        "scenarios/test_flows.py::ship_split",
        "central_server/sourcing/engine/test_routing.py::test_units_of_one_line_come_from_several_locations",
        "scenarios/test_flows.py::alternate_plain",
    )),
}  # fmt: skip

OPEN = {
    10: "in part: a name and a number with a reservation; there is no register of customers",
    11: "receiving at a store is no work of the terminal yet: what arrives is told to central",
    21: "a terminal belongs to one store from its enrolment on: there is nothing to switch",
}
"""Complaints that are not shown in full, or do not apply."""


def stories(file: str) -> Iterator[str]:
    """Yield what a test file plays: its tests, and the stories of its table."""
    for node in ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_story = any(
                isinstance(one, ast.Call) and getattr(one.func, "id", "") == "scenario"
                for one in node.decorator_list
            )
            if node.name.startswith("test_") or is_story:
                yield node.name


def test_every_complaint_has_its_tests_or_a_reason():
    """None of them is passed over: where no test shows it, it is said why."""
    assert list(COMPLAINTS) == list(range(1, COUNT + 1))
    assert [number for number, (_, tests) in COMPLAINTS.items() if not tests] == [
        number for number in OPEN if not COMPLAINTS[number][1]
    ]
    assert OPEN.keys() <= COMPLAINTS.keys()
    assert all(words for words, _ in COMPLAINTS.values())


def test_the_tests_of_complaints_are_there():
    """What the table names is played: a test that was renamed or removed is noticed."""
    named = {one for _, tests in COMPLAINTS.values() for one in tests}
    files = {one.partition("::")[0] for one in named}
    played = {f"{file}::{name}" for file in files for name in stories(file)}
    assert named - played == set()
