"""When a newer epoch may begin: another machine that lives under the name is told by its pushes."""

import pytest

from sync.hub.epochs import RIVAL_MS, opened
from sync.hub.ports import ReplicaState
from sync.protocol import errors
from sync.protocol.lines import genesis
from sync.protocol.session import EpochStart, PushHeader

NOW_MS = 1_763_900_000_000
YEAR_MS = 365 * 86_400_000
END = genesis("R1", 1)


def begin(pushed_ms: int | None, *, certain: bool = False) -> ReplicaState:
    state = ReplicaState("R1", "S001", 1, 0, END, "nonce", enabled=True, pushed_ms=pushed_ms)
    follows = EpochStart(epoch=1, seq=0, hash=END.hex(), certain=certain)
    header = PushHeader(
        epoch=2, first_seq=1, prev_hash=genesis("R1", 2).hex(), count=0, follows=follows
    )
    return opened(state, header, NOW_MS)


@pytest.mark.parametrize("heard_ago_ms", [0, RIVAL_MS - 1, 1 - RIVAL_MS])
def test_a_name_that_was_heard_a_moment_ago_is_another_machines(heard_ago_ms: int):
    """Also where central's clock was corrected by seconds in between."""
    with pytest.raises(errors.DuplicateReplica) as caught:
        begin(NOW_MS - heard_ago_ms)
    assert caught.value.data == {"heard_at_ms": NOW_MS - heard_ago_ms}
    assert begin(NOW_MS - heard_ago_ms, certain=True).epoch == 2


@pytest.mark.parametrize("pushed_ms", [None, NOW_MS - RIVAL_MS, NOW_MS + YEAR_MS])
def test_a_name_that_is_silent_is_gone_on_with(pushed_ms: int | None):
    """A push "in a year" is one of before central's clock was set back (seed 8004172).

    The store would have been silent until that year was over.
    """
    assert begin(pushed_ms).epoch == 2
