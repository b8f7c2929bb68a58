"""Every operation has words for people."""

from dataclasses import fields

from store_client.services.words import DONE
from sync.domain.flows import ALL_OPERATIONS


def test_every_operation_has_words():
    """What the Sync screen lists is never a name from the code."""
    kinds = {
        field.default for kind in ALL_OPERATIONS for field in fields(kind) if field.name == "kind"
    }
    assert kinds - DONE.keys() == set()
