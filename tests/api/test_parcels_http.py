"""Orders that are sent, over HTTP."""

import json

import pytest
from typer.testing import CliRunner

from central_server.cli import app
from central_server.sample import SAMPLE_CARRIERS
from central_server.storage.database import Database
from tests.api.test_orders_http import is_problem, place
from tests.support.central_world import SECRET, build_world
from tests.support.databases import prepare
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.anyio
TO = {
    "name": "Jo Pike", "line1": "12 Elm Street", "city": "Columbus", "state": "OH",
    "postal_code": "43215", "country": "US",
}  # fmt: skip


def body(**changes) -> dict:
    return {
        "ship_to": TO,
        "lines": [{"sku": "SKU-1", "quantity": 2}],
        "customer": {"name": "Jo", "email": "jo@example.com"},
        **changes,
    }


async def test_an_order_with_an_address_is_taken_and_shown(client, world):
    """201, with who sends it, by which carrier, and where it goes."""
    world.parts.intake.carriers(CARRIERS)
    answer = await place(client, body())
    assert answer.status_code == 201
    (part,) = answer.json()["fulfillments"]
    assert part["flow"] == "ship_from_store"
    assert part["shipment"]["carrier"] == "swift"
    assert part["shipment"]["to"] == ["Jo Pike", "12 Elm Street", "Columbus OH 43215", "US"]
    assert part["shipment"]["boxes"] == []
    again = await place(client, body())
    assert again.content == answer.content


async def test_either_fetched_or_sent(client, order_body):
    """Both, or neither, is not an order."""
    assert is_problem(await place(client, body(location_id="S001")), 422, "validation_failed")
    nothing = order_body(location_id="")
    assert is_problem(await place(client, nothing, "k2"), 422, "validation_failed")


async def test_a_parcel_may_be_paid_where_it_leaves(client, world):
    """It says what is due at which store, until when; the customer reads it in words."""
    world.parts.intake.carriers(CARRIERS)
    answer = await place(client, body(payment="in_store", channel="store"))
    assert answer.status_code == 201
    (part,) = answer.json()["fulfillments"]
    assert (part["flow"], part["payment"]["due_minor"]) == ("ship_from_store", 2000)
    assert part["expires_at"] is not None
    (mail,) = world.mails()
    assert "as soon as it is paid there: 20.00 USD" in mail.text


async def test_what_cannot_be_held_unpaid_is_refused(client, order_body):
    """A reservation waits on the store's list, not for receipts."""
    later = order_body(payment="in_store", accept_later=True)
    assert is_problem(await place(client, later, "k2"), 422, "validation_failed")


async def test_where_nobody_ships_the_shop_is_told(client):
    """No carrier, or none by this method: 409 with the method."""
    answer = await place(client, body())
    assert is_problem(answer, 409, "shipping_not_offered")
    assert answer.json()["method"] == "standard"


@pytest.mark.parametrize(
    "wrong", [{"country": "USA"}, {"postal_code": ""}, {"method": "By Air!"}, {"latitude": 91}]
)
async def test_an_address_that_is_none_is_refused(client, world, wrong):
    """What no label could carry is an error of the request."""
    world.parts.intake.carriers(CARRIERS)
    answer = await place(client, body(ship_to={**TO, **wrong}))
    assert is_problem(answer, 422, "validation_failed")


def test_carriers_are_set_on_the_command_line(tmp_path, monkeypatch):
    """Carriers, rates and pickups from a file; a mistake is told, and nothing is set."""
    url = f"sqlite:///{tmp_path / 'central.db'}"
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOLDSHELF_CENTRAL_DATABASE_URL", url)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_SERVER_SECRET", SECRET)
    prepare(url)
    database = Database.open(url)
    build_world(database, tmp_path)
    database.close()
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    assert CliRunner().invoke(app, ["carriers", str(wrong)]).exit_code == 2
    assert CliRunner().invoke(app, ["carriers", str(tmp_path / "none.json")]).exit_code == 3
    answer = CliRunner().invoke(app, ["carriers", str(SAMPLE_CARRIERS), "--json"])
    assert json.loads(answer.stdout) == {"carriers": 2, "rates": 6, "ship": 3, "stopped": []}
