"""The scanner gate, signing in, the calendar, and the words."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from store_client.services.calendar import hold_until_ms
from store_client.services.cash import read_amount
from store_client.services.desk import Refusal
from store_client.services.scanner import ScanGate, ScannerSettings, clean, read_code
from store_client.services.sign_in import Attempt, find_associate, list_associates, sign_in
from store_client.services.stock_lookup import age_of_stock, look_up
from store_client.services.words import connection, day_time, duration, money
from sync.domain.people import Role
from tests.support.clocks import FrozenClock
from tests.support.fake_store import STORE, State, gtin_of, make_store
from tests.support.terminals import PIN, hash_pin


def feed(gate: ScanGate, text: str, gap_ms: int, start_ms: int = 0) -> str | None:
    at_ms = start_ms
    for character in text:
        gate.feed(character, at_ms)
        at_ms += gap_ms
    return gate.end(at_ms)


# --- scanner ------------------------------------------------------------------------------


def test_fast_characters_and_enter_are_a_scan():
    """A wedge types faster than any person."""
    assert feed(ScanGate(ScannerSettings()), "5901234123457", 5) == "5901234123457"


def test_slow_characters_are_a_person():
    """What a person types is left where it was typed."""
    assert feed(ScanGate(ScannerSettings()), "5901234123457", 120) is None


def test_two_fast_keys_are_not_a_scan():
    """Rolling over two keys is human."""
    assert feed(ScanGate(ScannerSettings()), "ab", 5) is None


def test_a_scan_right_after_typing_is_only_the_scan():
    """What was typed before belongs to the field."""
    gate = ScanGate(ScannerSettings())
    for place, character in enumerate("HS-1"):
        gate.feed(character, place * 200)
    assert feed(gate, "5901234123457", 5, 1_500) == "5901234123457"


def test_prefix_and_suffix_are_taken_off():
    """Scanners can be programmed to send both."""
    gate = ScanGate(ScannerSettings(prefix="~", suffix="#"))
    assert feed(gate, "~5901234123457#", 5) == "5901234123457"


def test_the_gap_is_a_setting():
    """A slow radio scanner is still a scanner where the store says so."""
    assert feed(ScanGate(ScannerSettings(gap_ms=90)), "12345678", 70) == "12345678"


@pytest.mark.parametrize(
    ("raw", "gtin"),
    [
        ("5901234123457", "05901234123457"),
        ("]E05901234123457", "05901234123457"),
        ("]C1010590123412345717261231", "05901234123457"),
        ("614141000036", "00614141000036"),
        ("5901234123458", ""),
        ("HS-10001", ""),
        ("A2", ""),
    ],
)
def test_codes_are_read_for_what_they_mean(raw, gtin):
    """GTINs of any length, AIM prefixes and GS1 element strings give the same 14 digits."""
    assert read_code(raw).gtin == gtin


@given(st.text(max_size=300))
@example("]")
def test_no_scan_can_break_the_screen(raw):
    """Whatever a scanner sends, control characters never get to the screen and nothing raises."""
    code = read_code(raw)
    assert all(character.isprintable() for character in code.text)
    assert code.text == clean(raw)


# --- sign-in ------------------------------------------------------------------------------


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(clock):
    return make_store(clock, pin_hash=hash_pin())


def test_the_right_pin_signs_in_with_its_role(store, clock):
    """Who signs in brings their role."""
    actor = sign_in(store, Attempt("A102", PIN), clock.now_ms())
    assert (actor.name, actor.role) == ("Devi D.", Role.LEAD)


def test_five_wrong_pins_lock_out_for_half_an_hour(store, clock):
    """The right PIN does not help during a lock-out; afterwards it does."""
    for _ in range(5):
        with pytest.raises(Refusal, match="Wrong PIN"):
            sign_in(store, Attempt("A102", "0000"), clock.now_ms())
    with pytest.raises(Refusal, match="locked out"):
        sign_in(store, Attempt("A102", PIN), clock.now_ms())
    clock.advance(31 * 60_000)
    assert sign_in(store, Attempt("A102", PIN), clock.now_ms()).id == "A102"


def test_setting_the_clock_back_does_not_end_a_lock_out(store, clock):
    """The lock-out is stored with its end; an earlier clock is further from it."""
    for _ in range(5):
        with pytest.raises(Refusal):
            sign_in(store, Attempt("A102", "0000"), clock.now_ms())
    clock.advance(-86_400_000)
    with pytest.raises(Refusal, match="locked out") as refused:
        sign_in(store, Attempt("A102", PIN), clock.now_ms())
    assert "30 min" in refused.value.todo


def test_a_lock_out_is_one_persons(store, clock):
    """Others go on working."""
    for _ in range(5):
        with pytest.raises(Refusal):
            sign_in(store, Attempt("A102", "0000"), clock.now_ms())
    assert sign_in(store, Attempt("A103", PIN), clock.now_ms()).id == "A103"


@pytest.mark.parametrize("who", ["A108", "A999"])
def test_who_left_or_never_came_cannot_sign_in(store, clock, who):
    """Inactive and unknown people are refused in the same words."""
    with pytest.raises(Refusal, match="cannot sign in"):
        sign_in(store, Attempt(who, PIN), clock.now_ms())


@pytest.mark.parametrize("pin", ["", "1", "x" * 500])
def test_a_pin_of_impossible_length_is_wrong(store, clock, pin):
    """No input makes verifying expensive or raise."""
    with pytest.raises(Refusal, match="Wrong PIN"):
        sign_in(store, Attempt("A103", pin), clock.now_ms())


def test_a_damaged_hash_lets_nobody_in(clock):
    """A row without a usable hash is a locked door."""
    with pytest.raises(Refusal, match="Wrong PIN"):
        sign_in(make_store(clock, pin_hash="rubbish"), Attempt("A103", PIN), clock.now_ms())


def test_people_are_found_by_number_or_name(store):
    """An exact number wins; people who left are not offered."""
    people = list_associates(store)
    assert "A108" not in {person.id for person in people}
    assert [person.id for person in find_associate(people, "a103")] == ["A103"]
    assert [person.name for person in find_associate(people, "sof")] == ["Sofia V."]


# --- calendar -----------------------------------------------------------------------------

UTC = dt.UTC


def at(year: int, month: int, day: int, hour: int) -> int:
    return round(dt.datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("ready", "days", "until"),
    [
        (at(2025, 12, 1, 15), 1, at(2025, 12, 3, 2)),
        (at(2025, 12, 20, 15), 1, at(2025, 12, 21, 23)),
        (at(2025, 12, 24, 15), 1, at(2025, 12, 27, 2)),
        (at(2026, 3, 7, 15), 2, at(2026, 3, 10, 1)),
    ],
    ids=["next day", "Sunday closes earlier", "Christmas does not count", "clocks go forward"],
)
def test_goods_wait_open_days_until_closing_time(ready, days, until):
    """A day on which nobody could come does not count; the end is when the doors close."""
    assert hold_until_ms(STORE, ready, days) == until


def test_a_store_that_never_opens_still_gets_an_answer():
    """Bad data gives plain days, not an endless search."""
    closed = replace(STORE, hours=((0, 0),) * 7)
    assert hold_until_ms(closed, 0, 3) == 3 * 86_400_000


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 28))
def test_holding_longer_never_ends_sooner(ready_ms, days):
    """More days wait strictly longer, and always into the future."""
    shorter, longer = hold_until_ms(STORE, ready_ms, days), hold_until_ms(STORE, ready_ms, days + 1)
    assert ready_ms < shorter < longer


# --- words and lookup ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(last_contact_ms=1_000_000), "ONLINE"),
        (State(last_contact_ms=1_000_000, backlog=3), "SENDING 3"),
        (State(last_contact_ms=280_000, backlog=5), "OFFLINE 12 min, 5 waiting"),
        (State(last_contact_ms=1_000_000, last_error="unreachable"), "OFFLINE 0 s"),
        (State(backlog=2), "NEVER CONNECTED, 2 waiting"),
        (State(bootstrapped=False), "LOADING STORE DATA"),
        (State(last_contact_ms=1_000_000, daemon_alive=False), "SYNC NOT RUNNING"),
        (State(last_contact_ms=1_000_000, halted=True), "STOPPED BY CENTRAL"),
        (State(last_contact_ms=1_000_000, quarantined=1), "ONLINE, 1 held"),
    ],
)
def test_the_connection_is_said_in_words(state, words):
    """No color is needed to know how things stand."""
    assert connection(state, 1_000_000).words == words


def test_a_cut_network_is_said_to_be_the_demo():
    """A demonstration never looks like a fault."""
    state = State(last_contact_ms=1_000_000, backlog=4)
    assert connection(state, 1_000_000, cut=True).words == "NETWORK CUT (demo), 4 waiting"


@pytest.mark.parametrize(
    ("ms", "words"),
    [(-5, "0 s"), (40_000, "40 s"), (720_000, "12 min"), (11_100_000, "3 h 05"),
     (86_400_000, "1 day"), (200_000_000, "2 days")],
)  # fmt: skip
def test_durations_are_short(ms, words):
    """As a person would say it."""
    assert duration(ms) == words


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("48.99", "USD", 4899), ("48,9", "EUR", 4890), ("48", "USD", 4800), ("12", "UGX", 12),
        ("12.345", "KWD", 12345), ("12.5", "KWD", 12500), ("-5", "USD", -500),
        ("12500000", "KRW", 12_500_000), ("9999999.99", "USD", 999_999_999),
    ],
)  # fmt: skip
def test_an_amount_is_typed_as_it_is_shown(text, currency, minor):
    """As many digits after the point as the currency has coins for; a drawer of won is full."""
    assert read_amount(text, currency) == minor
    assert read_amount(money(minor, currency).removesuffix(f" {currency}").replace("$", ""),
                       currency) == minor  # fmt: skip


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.234", "USD"), ("1.5", "JPY"), ("1e3", "USD"), ("40063813", "USD"), ("1" * 10, "KRW")],
)
def test_what_is_no_amount_is_refused(text, currency):
    """A digit too many is a slip, not a tenth of a cent."""
    with pytest.raises(Refusal):
        read_amount(text, currency)


def test_money_is_shown_without_floats():
    """Minor units become what is on a price tag, in each currency's way."""
    assert money(123456, "USD") == "$1,234.56"
    assert money(5, "EUR") == "€0.05"
    assert money(1200, "JPY") == "1,200 JPY"
    assert money(12345, "KWD") == "12.345 KWD"
    assert money(None, "USD") == "no price"


def test_a_barcode_finds_before_words_do(store):
    """A code that is exactly one product's is that product."""
    found = look_up(store, gtin_of(4)[1:])
    assert ([hit.sku for hit in found.hits], found.by_code) == (["HS-10005"], True)


def test_words_find_products_and_nothing_is_said_in_words(store):
    """Nothing found is an answer with advice, not an empty screen."""
    assert len(look_up(store, "kettle").hits) == 2
    assert "Check the spelling" in look_up(store, "zebra").says
    assert "two letters" in look_up(store, "k").says


def test_old_stock_figures_are_admitted(store, clock):
    """A figure without its age is a trap."""
    assert age_of_stock(store, clock.now_ms()) == ("Stock as of 3 s ago.", False)
    clock.advance(3_600_000)
    words, worrying = age_of_stock(store, clock.now_ms())
    assert worrying
    assert "1 h 00 old" in words


@given(at_ms=st.integers(), zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "Etc/GMT+12"]))
@example(at_ms=10**400, zone="UTC")
@example(at_ms=-(10**400), zone="Etc/GMT+12")
def test_a_time_that_no_calendar_has_is_said_all_the_same(at_ms, zone):
    """A mistyped due time, or one of a broken clock, ends no screen."""
    assert day_time(replace(STORE, timezone=zone), at_ms, FrozenClock().now_ms())


def test_another_year_is_named():
    """24 Dec without its year would be this one's."""
    now_ms = FrozenClock().now_ms()
    assert day_time(STORE, now_ms + 400 * 86_400_000, now_ms).split()[-1].isdigit()
