"""Card numbers enter nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.card_numbers import (
    MASK,
    CardNumberRefused,
    check_document,
    has_card_number,
    passes_luhn,
    without_card_numbers,
)
from sync.domain.exceptions import ExceptionResolved
from sync.domain.operations import Staged
from sync.protocol.lines import OperationRecord, encode_line

VISA = "4111111111111111"


def with_check_digit(body: str) -> str:
    """Return `body` with the digit that makes it pass."""
    return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))


bodies = st.text("0123456789", min_size=12, max_size=18).filter(lambda body: body.strip("0"))
gaps = st.sampled_from(["", " ", "-", ".", " - ", "/", "\u00a0"])
letters = st.text("abcxyz ,:", max_size=6)


@given(bodies, st.lists(gaps, min_size=19, max_size=19), letters, letters)
def test_a_number_is_found_however_it_is_written(body, between, before, after):
    """Grouped in any way, with words around it, in any length that cards have."""
    number = with_check_digit(body)
    text = (
        f"{before} "
        + "".join(digit + gap for digit, gap in zip(number, between, strict=False)).rstrip(
            " -./\u00a0"
        )
        + f" {after}"
    )
    assert has_card_number(text)
    left = without_card_numbers(text)
    assert MASK in left
    assert not has_card_number(left)


@given(st.text("0123456789", min_size=13, max_size=19))
def test_one_wrong_digit_is_no_card(digits):
    """What does not pass the check is left alone."""
    assert has_card_number(digits) == (passes_luhn(digits) and bool(digits.strip("0")))


@pytest.mark.parametrize(
    "text",
    ["K7Q2-0042", "+49 151 23456789", "01KBD000000000000000000001", "2 x Kettle at 48.99",
     "12", "", "0000000000000000", "555-0100", "2025-11-23 14:30"],
)  # fmt: skip
def test_what_people_write_is_no_card(text):
    """Order numbers, telephone numbers, ids, prices and times pass."""
    assert not has_card_number(text)
    assert without_card_numbers(text) == text


@pytest.mark.parametrize(
    "text",
    [VISA, "4111 1111 1111 1111", "card 4111-1111-1111-1111 exp 12/27", f"%B{VISA}^PIKE/J^2712",
     f";{VISA}=2712101?", "3782 822463 10005", "٤١١١١١١١١١١١١١١١", f"note:{VISA}0"[:-1]],
)  # fmt: skip
def test_what_cards_and_readers_say_is(text):
    """Typed, swiped, or in the digits of another script."""
    assert has_card_number(text)


def test_no_operation_can_hold_one():
    """Whoever types it, and wherever: it reaches no journal, hence no log and no network."""
    for operation in (Staged("F1", VISA), ExceptionResolved("E1", f"paid with {VISA}")):
        with pytest.raises(CardNumberRefused) as caught:
            encode_line(OperationRecord("A1", "T1", "boot", 1, 1, operation))
        assert VISA not in str(caught.value)


def test_codes_of_goods_and_of_tills_are_left_out():
    """One barcode in ten passes the check by chance: those fields are checked elsewhere."""
    barcode = with_check_digit("020071000123")
    check_document({"op": {"gtin": barcode, "sku": barcode, "lines": [{"sku": barcode}]}})
    with pytest.raises(CardNumberRefused):
        check_document({"op": {"lines": [{"name": barcode}]}})


def test_no_line_of_a_log_has_one(capsys):
    """The daemon's events and central's lines, tracebacks included, go out without it."""
    import logging

    import structlog

    from central_server.jobs.serving import LOG_FORMAT, WithoutCardNumbers
    from store_client.logs import log_as_json, without_numbers

    log_as_json()
    try:
        assert structlog.is_configured()
    finally:
        structlog.reset_defaults()
    event = without_numbers(None, "", {"event": f"swiped {VISA}", "count": 3})
    assert event == {"event": f"swiped {MASK}", "count": 3}
    record = logging.LogRecord("x", logging.INFO, "f", 1, "paid %s", (VISA,), None)
    assert VISA not in WithoutCardNumbers(LOG_FORMAT).format(record)
