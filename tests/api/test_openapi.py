"""Whatever the OpenAPI document allows, and much that it does not, gets a documented answer."""

import os
from collections.abc import Iterable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from starlette.types import Receive, Scope, Send

from central_server.app import build_api
from central_server.storage.database import Database
from tests.support.central_world import build_world
from tests.support.databases import prepare

EXAMPLES = 20
"""Requests to each operation: such as the document allows, and others."""
EVERY_LIMIT = "HOLDSHELF_EVERY_LIMIT" in os.environ
"""Whether the cases at each limit run, too, as `.ci/weekly` does: collecting them takes long."""
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


def by_name(found: Iterable[Any]) -> dict[str, Any]:
    """Return operations by name: "POST /v1/orders"."""
    return {one.ok().label: one.ok() for one in found}


SCHEMA = load()
OPERATIONS = by_name(SCHEMA.get_all_operations())
ABOUT_MEANING = schemathesis.checks.CHECKS.get_by_names(
    ["positive_data_acceptance", "negative_data_rejection"]
)
"""A SKU that does not exist is valid and refused; a protocol that is too new is refused as such."""
how = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def answers_as_documented(case: Any) -> None:
    token = CENTRAL["session"] if case.path.startswith("/v1/sync/") else CENTRAL["key"]
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"}, excluded_checks=ABOUT_MEANING
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
@how
@given(data=strategies.data())
def test_every_operation_answers_as_documented(name: str, data):
    """No request of some of both kinds, valid or not, gets a 5xx or an unknown answer."""
    operation = OPERATIONS[name]
    modes = [operation.as_strategy(mode) for mode in GenerationMode]
    answers_as_documented(data.draw(strategies.one_of(modes)))


if EVERY_LIMIT:

    @SCHEMA.parametrize()
    @how
    def test_every_limit_of_every_operation_answers_as_documented(case):
        """Nor does one at, or just beyond, any limit that the document names."""
        answers_as_documented(case)
