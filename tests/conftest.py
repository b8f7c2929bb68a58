"""Profiles of hypothesis: `ci` is repeatable, `dev` explores. No test logs to another's stderr."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests.support.scratch import scratch_folder

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", scratch_folder())
pytest_plugins = ["tests.support.databases", "tests.support.told_figures"]

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if "CI" in os.environ else "dev")


@pytest.fixture(autouse=True)
def _logs_are_its_own() -> Iterator[None]:
    """Forget where a command logged that ran within a test: that stderr is closed with it."""
    yield
    structlog.reset_defaults()
