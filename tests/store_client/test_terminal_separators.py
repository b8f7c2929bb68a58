"""Codes of several fields: wedges type a control character between them."""

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from store_client.screens.scanning import SEPARATOR, SEPARATOR_KEY
from tests.support.clocks import FrozenClock
from tests.support.fake_store import gtin_of
from tests.support.pickup_store import pickup_store
from tests.support.terminals import terminal

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.mark.parametrize(
    "raw",
    ["01{gtin}10LOT7\x1d21SERIAL", "]d201{gtin}10LOT7\x1d21SERIAL", "\x1d01{gtin}21S\x1d10LOT7"],
)
async def test_a_code_with_a_separator_is_one_code(clock, raw):
    """What a wedge types between the fields of a GS1 code is no key that a person pressed."""
    store = pickup_store(clock, 1)
    async with terminal(store, clock) as term:
        await term.press("enter")
        await term.scan(raw.format(gtin=gtin_of(0).rjust(14, "0")))
        assert "Picked 1 of" in term.text()
        assert term.screen.typed == ""
    assert [operation.kind for operation in store.performed] == ["line_picked"]


def test_the_key_of_the_separator_is_what_the_driver_makes_of_it():
    """The byte that scanners send, as Textual reads it from the line."""
    (key,) = [event.key for event in XTermParser().feed(SEPARATOR) if isinstance(event, Key)]
    assert key == SEPARATOR_KEY
