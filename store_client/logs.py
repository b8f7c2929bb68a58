"""Logs of the daemon: JSON lines on stderr, with no customer data in them."""

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

from sync.domain.card_numbers import without_card_numbers


def without_numbers(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take whatever looks like a card's number out of what is logged, wherever it comes from."""
    return {
        name: without_card_numbers(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def log_as_json() -> None:
    """Send structlog's events to stderr, one JSON object a line."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            without_numbers,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
