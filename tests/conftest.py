"""Profiles of hypothesis: `ci` is repeatable, `dev` explores."""

import os

from hypothesis import settings

pytest_plugins = ["tests.support.databases"]

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if "CI" in os.environ else "dev")
