"""Logs of the daemon: JSON lines on stderr, with no customer data in them."""

import logging
import sys

import structlog


def log_as_json() -> None:
    """Send structlog's events to stderr, one JSON object a line."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
