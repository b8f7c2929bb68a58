"""Profiles of hypothesis: `ci` is repeatable, `dev` explores. No test logs to another's stderr.

Files of tests lie in memory. Where several processes share the tests, slow ones begin.
"""

import gc
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support.collector import calm_collector
from tests.support.compiled import compile_once
from tests.support.scratch import scratch_folder

gc.disable()  # what is collected stays; see below
compile_once()
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", scratch_folder())
pytest_plugins = ["tests.support.databases", "tests.support.told_figures"]

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if "CI" in os.environ else "dev")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let slow tests begin, so that no process waits for another's last one at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what was imported and collected."""
    calm_collector()
    gc.enable()


@pytest.fixture(autouse=True)
def _logs_are_its_own() -> Iterator[None]:
    """Forget where a command logged that ran within a test: that stderr is closed with it."""
    yield
    structlog.reset_defaults()
