"""A store claims an offered order over a real socket, by its own command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from store_client.cli import REFUSED, UNREACHABLE, app
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import World, build_world
from tests.support.live_central import served
from tests.support.parcels import CARRIERS

pytestmark = pytest.mark.slow


@pytest.fixture
def world(sqlite_database, tmp_path) -> World:
    """Three stores that ship; each order is offered to the two best."""
    made = build_world(sqlite_database, tmp_path)
    made.parts.intake.carriers(CARRIERS)
    publish(made, RoutingRule("offer", RoutingRuleKind.ROUTE, offer_stores=2))
    return made


def enrol(world: World, url: str, folder: Path, place_id: str):
    """Return what runs commands on a machine of a store."""
    folder.mkdir()
    code = world.parts.central.enrolment.create_code(place_id)
    file = folder / "code"
    file.write_text(str(code["code"]))

    def run(*words: str):
        return CliRunner().invoke(app, ["--data-dir", str(folder), *words])

    answer = run("enrol", "--central", url, "--code-file", str(file))
    assert answer.exit_code == 0, answer.output
    return run


def test_the_first_store_gets_the_order_and_a_cut_off_one_none(world: World, tmp_path: Path):
    """Both see it, one claims it, the other is told; without a network nobody can claim."""
    with served(world.parts.app()) as url:
        near = enrol(world, url, tmp_path / "near", "S001")
        next_door = enrol(world, url, tmp_path / "next", "S002")
        order_id, _ = place(world)
        number = world.order(order_id)["number"]
        assert number in near("ship", "offers").stdout
        (offer,) = json.loads(next_door("ship", "offers", "--json").stdout)
        assert (offer["order_id"], offer["lines"][0]["quantity"]) == (order_id, 2)
        won = next_door("ship", "claim", number)
        assert f"Order {number} is yours" in won.stdout
        assert json.loads(next_door("ship", "claim", order_id, "--json").stdout)["number"] == number
        lost = near("ship", "claim", order_id)
        assert (lost.exit_code, "another store has it" in lost.stderr) == (REFUSED, True)
        assert near("ship", "claim", "K7Q2-9ZXM").exit_code == REFUSED
        assert "Nothing is offered." in near("ship", "offers").stdout
        next_door("sync", "--once")
        assert number in next_door("ship", "list").stdout
        world.parts.central.pokes.close()
    away = near("ship", "claim", order_id)
    assert (away.exit_code, "out of reach" in away.stderr) == (UNREACHABLE, True)
    assert [one.location_id for one in world.fulfillments(order_id)] == ["S002"]
