"""How central logs: lines for people, or JSON for programs; no card numbers in either."""

import json
import logging
import sys

import pytest

from central_server.config import CentralSettings
from central_server.jobs.serving import formatter_of

CARD = "4111 1111 1111 1111"


def settings(log_format: str) -> CentralSettings:
    values = {"server_secret": "s" * 40, "log_format": log_format}
    return CentralSettings.model_validate(values)


def record() -> logging.LogRecord:
    try:
        raise ValueError(f"paid with {CARD}")
    except ValueError:
        caught = sys.exc_info()
    return logging.LogRecord("central", logging.WARNING, __file__, 1, "card %s", (CARD,), caught)


def test_a_program_gets_an_object_a_line():
    """The names are those of a store's daemon."""
    line = formatter_of(settings("json")).format(record())
    told = json.loads(line)
    assert (told["level"], told["logger"], told["timestamp"][-1]) == ("warning", "central", "Z")
    assert told["event"].startswith("card ")
    assert "ValueError" in told["exception"]
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_card_number_is_logged(log_format: str):
    """Neither in what is said nor in a traceback."""
    assert "1111 1111" not in formatter_of(settings(log_format)).format(record())
