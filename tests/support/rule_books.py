"""Versions of rules, of whatever kind: approved by two people, who have read the same."""

from collections.abc import Sequence
from typing import Any

import pytest

from central_server.services.errors import ChangedSinceRead, NeedsApproval, ReadItFirst
from central_server.services.rule_book import RuleBook


def publish(book: RuleBook[Any], rules: Sequence[Any]) -> int:
    """Bring rules into force, without findings; return their version."""
    made: dict[str, Any] = book.draft(rules, note="why", by="Kim")
    assert made["findings"] == []
    how: dict[str, Any] = {"effective_from_ms": None, "note": "go", "reading": made["reading"]}
    book.publish(made["version"], by="Lee", **how)
    return int(made["version"])


def check_who_publishes(book: RuleBook[Any], drafted: Any, edited: Any) -> None:
    """Whoever wrote a draft, or edited it, does not publish it; others say what they have read."""
    made: dict[str, Any] = book.draft([drafted], note="", by="Kim")
    book.edit(made["version"], [edited], note="", by="Lee")
    for writer in ("Kim", "Lee"):
        with pytest.raises(NeedsApproval, match="somebody else"):
            book.publish(made["version"], effective_from_ms=None, note="", by=writer)
    how: dict[str, Any] = {"effective_from_ms": None, "note": "", "by": "Ana"}
    with pytest.raises(ReadItFirst, match="say which rules"):
        book.publish(made["version"], **how)
    with pytest.raises(ChangedSinceRead, match="Lee changed it at"):
        book.publish(made["version"], **how, reading=made["reading"])
    how["reading"] = book.show(made["version"])["reading"]
    assert book.publish(made["version"], **how)["in_force"]


def check_who_edits(book: RuleBook[Any], drafted: Any, edited: Any) -> None:
    """Of two who edit what both have read the second is told; who names no reading replaces it."""
    made: dict[str, Any] = book.draft([drafted], note="", by="Kim")
    version, read = made["version"], made["reading"]
    book.edit(version, [edited], note="", by="Kim", reading=read)
    with pytest.raises(ChangedSinceRead, match="Kim changed it at"):
        book.edit(version, [drafted], note="", by="Lee", reading=read)
    now: dict[str, Any] = book.show(version)
    assert now["rules"] == [book.rule_document(edited)]
    assert book.edit(version, [drafted], note="", by="Lee", reading=now["reading"])["rules"]
    book.edit(version, [edited], note="", by="Lee")
