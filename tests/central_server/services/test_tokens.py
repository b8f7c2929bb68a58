"""Session tokens: whose they are, until when, and that nobody but central makes them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_server.services.tokens import DeviceSession, SessionKeys
from tests.support.builders import NOON_MS

KEYS = SessionKeys("a secret of this central", 900)
ULID = "01JD3QK9V8W2Z4T6Y0ABCDEFGH"


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_token_says_whose_it_is(replica_id: str):
    """Any name survives, and the token may stand in a header."""
    token = KEYS.token(replica_id, NOON_MS)
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()
    assert KEYS.session(token, NOON_MS) == DeviceSession(replica_id)


def test_a_token_is_short():
    """It travels with every call."""
    assert len(KEYS.token(ULID, NOON_MS)) <= 64


def test_a_token_ends_by_centrals_clock():
    """Good for a quarter of an hour, not longer, and after a restart of central too."""
    token = SessionKeys("a secret of this central", 900).token(ULID, NOON_MS)
    assert KEYS.session(token, NOON_MS + 900_000) == DeviceSession(ULID)
    assert KEYS.session(token, NOON_MS + 901_000) is None


def test_a_token_of_another_central_is_none():
    """Another secret, another seal."""
    assert SessionKeys("another secret", 900).session(KEYS.token(ULID, NOON_MS), NOON_MS) is None


@pytest.mark.parametrize(
    ("ahead_ms", "is_valid"),
    [(0, True), (5, True), (10_000, True), (10_001, False), (-60_000, True), (-60_001, False)],
)
def test_processes_whose_clocks_differ_accept_each_others_challenges(ahead_ms: int, is_valid: bool):
    """One process asks, another checks: ten seconds apart is what their clocks may be."""
    assert KEYS.nonce_is_valid(KEYS.nonce(NOON_MS + ahead_ms), NOON_MS) is is_valid


@given(st.integers(0, 46), st.integers(1, 255))
def test_no_byte_of_a_token_can_be_changed(place: int, flipped: int):
    """Neither the replica nor the time nor the seal."""
    token = KEYS.token(ULID, NOON_MS)
    sealed = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert len(sealed) == 47
    sealed[place] ^= flipped
    assert KEYS.session(urlsafe_b64encode(sealed).decode().rstrip("="), NOON_MS) is None


@pytest.mark.parametrize("token", ["", "A", "x" * 63, "\u00e9" * 20, "a.b.c", "!" * 64, "AAAA" * 9])
def test_what_is_no_token_is_none(token: str):
    """Whatever somebody sends instead is simply not valid."""
    assert KEYS.session(token, NOON_MS) is None
