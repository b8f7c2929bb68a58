"""One word per thing: each state, reason and operation is in the glossary."""

import enum
import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import sync.domain
from sync.domain.flows import ALL_FLOWS, ALL_OPERATIONS
from tests.architecture.tree import ROOT

GLOSSARY = ROOT / "sync" / "GLOSSARY.md"


def _enums() -> Iterator[type[enum.Enum]]:
    for module in pkgutil.walk_packages(sync.domain.__path__, "sync.domain."):
        for value in vars(importlib.import_module(module.name)).values():
            if not isinstance(value, type) or value.__module__ != module.name:
                continue
            if issubclass(value, enum.Enum):
                yield value


def _words() -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", GLOSSARY.read_text(encoding="utf-8")))


@pytest.mark.parametrize("kind", [*_enums()], ids=lambda kind: kind.__name__)
def test_every_member_is_in_the_glossary(kind: type[enum.Enum]):
    """A status or reason that a person may read is explained, in backticks, by name or value."""
    words = _words()
    missing = [m.name for m in kind if words.isdisjoint({m.name, str(m.value)})]
    assert missing == []


def test_every_operation_is_in_the_glossary():
    """An operation is explained, in backticks, by the name of its class."""
    assert ALL_OPERATIONS
    assert [kind.__name__ for kind in ALL_OPERATIONS if kind.__name__ not in _words()] == []


def test_every_flow_is_in_the_glossary():
    """A flow is explained, in backticks, by its name."""
    assert [flow.name for flow in ALL_FLOWS if flow.name not in _words()] == []
