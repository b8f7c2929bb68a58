"""Whatever the OpenAPI document allows, and much that it does not, gets a documented answer."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.types import Receive, Scope, Send

from central_server.app import build_api
from central_server.storage.database import Database
from tests.support.central_world import build_world
from tests.support.databases import prepare

EXAMPLES = 10
CENTRAL: dict[str, Any] = {}
"""The central that is tried, and its keys: operations are collected before it exists."""


async def forward(scope: Scope, receive: Receive, send: Send) -> None:
    await CENTRAL["app"](scope, receive, send)


@pytest.fixture(scope="module", autouse=True)
def central(tmp_path_factory):
    """A central with a few orders, an administrator and a device."""
    folder = tmp_path_factory.mktemp("api")
    url = f"sqlite:///{folder / 'central.db'}"
    prepare(url)
    database = Database.open(url)
    world = build_world(database, folder)
    for number in range(3):
        world.place(("SKU-1", 1), key=f"seed-{number}")
    CENTRAL["app"] = world.parts.app()
    CENTRAL["key"] = world.parts.central.keys.create("fuzzer", ("admin",))
    CENTRAL["session"] = world.device("S001").token
    yield
    CENTRAL.clear()
    database.close()


def load() -> Any:
    loaded = schemathesis.openapi.from_dict(build_api(version="test").openapi())
    loaded.app = forward
    # A stream that ends only when central does, and a body that is no JSON: test_sync_http.py.
    return loaded.exclude(path=["/v1/sync/events", "/v1/sync/push"])


SCHEMA = load()
ABOUT_MEANING = schemathesis.checks.CHECKS.get_by_names(
    ["positive_data_acceptance", "negative_data_rejection"]
)
"""A SKU that does not exist is valid and refused; a protocol that is too new is refused as such."""


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_every_operation_answers_as_documented(case):
    """No request, valid or not, gets a 5xx or an answer that the document does not know."""
    token = CENTRAL["session"] if case.path.startswith("/v1/sync/") else CENTRAL["key"]
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"}, excluded_checks=ABOUT_MEANING
    )
