"""Pilot tests run on asyncio, which Textual is made for."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
