"""Messages and refusals: room for newer halves, stable codes."""

import pytest
from pydantic import ValidationError

from sync.protocol import errors
from sync.protocol.session import HelloRequest, Message, PushAnswer, PushHeader
from sync.protocol.snapshot import CATALOGUE_TABLES, PRICE_TABLES, has_snapshot, tables_for
from tests.sync.protocol import wire
from tests.sync.transport import messages


@pytest.mark.parametrize("kind", wire.messages(), ids=lambda kind: kind.__name__)
def test_a_newer_half_may_add_fields(kind: type[Message]):
    """Unknown fields of a message are ignored, and messages cannot be changed once made."""
    assert kind.model_config["extra"] == "ignore"
    assert kind.model_config["frozen"]


def test_an_older_half_may_leave_new_fields_out():
    """What was added with a default need not come."""
    header = messages.push_header().model_dump()
    for later in ("backlog", "escrow"):
        del header[later]
    assert PushHeader.model_validate(header).escrow == ()
    answer = {"acked_seq": 3, "acked_hash": "00"}
    assert PushAnswer.model_validate(answer).verdicts == ()


def test_what_a_message_needs_must_come():
    """A push without a place in the journal is not a push."""
    header = messages.push_header().model_dump()
    del header["first_seq"]
    with pytest.raises(ValidationError):
        PushHeader.model_validate(header)


@pytest.mark.parametrize(
    "claim", ["nonce", "replica_id", "epoch", "install_nonce", "last_seq", "last_hash", "acked_seq"]
)
def test_the_signature_covers_every_claim_about_the_journal(claim: str):
    """Change one, and the signed text is another."""
    request: HelloRequest = messages.hello_request()
    value = getattr(request, claim)
    other = value + 1 if isinstance(value, int) else value + "x"
    assert request.model_copy(update={claim: other}).signed_text() != request.signed_text()


def test_refusals_are_found_by_their_codes():
    """A transport raises at the store just what the hub raised."""
    assert set(errors.REFUSALS) == {
        "gap", "fork", "epoch_stale", "duplicate_replica", "replica_disabled",
        "version_unsupported", "cursor_expired", "frame_unreadable", "not_authentic",
    }  # fmt: skip
    assert all(code == kind.code for code, kind in errors.REFUSALS.items())


def test_a_refusal_carries_its_data():
    """What a program needs is data, not words to be taken apart."""
    gap = errors.Gap("operation 7 is missing", expected_seq=7)
    assert (gap.data, str(gap)) == ({"expected_seq": 7}, "operation 7 is missing")
    assert errors.TryLater(12).retry_after_s == 12


def test_only_what_a_file_can_carry_has_a_snapshot():
    """The catalogue and the prices come as files; a store's own scope is pulled."""
    assert [has_snapshot(scope) for scope in ("catalogue", "prices:US", "store:S001")] == [
        True, True, False,
    ]  # fmt: skip
    assert tables_for("catalogue") == CATALOGUE_TABLES
    assert tables_for("prices:US") == PRICE_TABLES
