"""A central that answers as the test says, and an endpoint with a session at it."""

import pytest

from sync.transport.http import HttpEndpoint, Session
from tests.sync.transport.server import reply, serving

# As long as a real one: two claims, a time and a signature.
TOKEN = f"{'h' * 36}.{'p' * 90}.{'s' * 43}"


def token_session() -> Session:
    session = Session()
    session.token = TOKEN
    return session


@pytest.fixture
def central():
    """A server whose answer the test sets."""
    with serving(lambda _: reply(b"{}")) as server:
        yield server


@pytest.fixture
def endpoint(central):
    made = HttpEndpoint(central.url, session=token_session())
    yield made
    made.close()
