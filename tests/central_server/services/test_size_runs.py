"""Runs of sizes in routing, and what kits are worth on the shelf: by rules, from records."""

import pytest

from central_server.services.catalogue_intake import StockItem
from central_server.sourcing.engine.model import Stock
from central_server.sourcing.kits import WantedKit
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from tests.central_server.services.test_availability import with_kit
from tests.central_server.services.test_kits_in_parcels import stock_kit
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.central_server.services.test_shelf_prices import shelf
from tests.support.central_world import World
from tests.support.parcels import CARRIERS, parcel_order

ROUTE = RoutingRuleKind.ROUTE
MINDED = RoutingRule("r", ROUTE, broken_run_minor=900.0)


@pytest.fixture
def styled(world: World) -> World:
    """Carriers everywhere; both SKUs are sizes of one style, of which stores have one each."""
    world.parts.intake.carriers(CARRIERS)
    world.parts.intake.styles({"SKU-1": "COAT", "SKU-2": "COAT"})
    stock(world, S001=(1, 1), S002=(1, 1), S003=(1, 1))
    return world


def stock(world: World, **units: tuple[int, int]) -> None:
    items = [StockItem(place, sku, count) for place, both in units.items()
             for sku, count in zip(("SKU-1", "SKU-2"), both, strict=True)]  # fmt: skip
    world.parts.intake.stock(items, "count")


def why(world: World, order_id: str) -> dict:
    (decision,) = world.parts.central.routing.why(order_id)["decisions"]
    return decision


def test_a_run_that_is_broken_already_gives_its_sizes_first(styled):
    """A farther store without the other size sends it; the next best choice says what it breaks."""
    stock(styled, S002=(1, 0))
    desk = styled.parts.central.routing
    assert desk.dry_run(parcel_order(("SKU-1", 1)))["taken"] == "S001", "nobody minds"
    publish(styled, MINDED)
    order_id, (part,) = place(styled, ("SKU-1", 1))
    assert part.location_id == "S002"
    told = why(styled, order_id)
    assert (told["terms"]["balance"], told["rule_version"]) == (0, 1)
    assert told["sentence"].endswith(" more, and breaks the run of sizes of SKU-1.")


def test_whole_runs_are_broken_where_nothing_else_is_left_and_it_is_said(styled):
    """The nearest gives its last one, at its price; once it lacks a size it gives the other too."""
    publish(styled, MINDED)
    order_id, (part,) = place(styled, ("SKU-1", 1))
    told = why(styled, order_id)
    assert (part.location_id, told["terms"]["balance"]) == ("S001", 900)
    assert told["shipments"][0]["broken_runs"] == ["SKU-1"]
    assert " That breaks the run of sizes of SKU-1." in told["sentence"]
    order_id, (part,) = place(styled, ("SKU-2", 1))
    assert (part.location_id, why(styled, order_id)["terms"]["balance"]) == ("S001", 0)


@pytest.mark.parametrize("left", [(2, 1), (1, 0)])
def test_no_run_is_broken_where_a_unit_stays_or_a_size_lacks(styled, left):
    """Of two units one stays on the shelf; where the other size lacks, there is no run."""
    stock(styled, S001=left)
    publish(styled, MINDED)
    order_id, (part,) = place(styled, ("SKU-1", 1))
    told = why(styled, order_id)
    assert (part.location_id, told["terms"]["balance"]) == ("S001", 0)
    assert told["shipments"][0]["broken_runs"] == []


def test_a_style_of_one_product_is_no_run(styled):
    """Nor is what belongs to no style: the nearest sends it without a thought."""
    publish(styled, MINDED)
    for styles in ({"SKU-2": ""}, {"SKU-1": "", "SKU-2": ""}):
        styled.parts.intake.styles(styles)
        dry = styled.parts.central.routing.dry_run(parcel_order(("SKU-1", 1)))
        assert (dry["taken"], dry["terms"]["balance"]) == ("S001", 0)


def test_a_kit_costs_the_shelf_what_its_components_do(styled):
    """Half the prices of two SKU-1 and one SKU-2 where walk-ins want them; another store sends."""
    stock_kit(styled, S001=(2, 1), S002=(2, 1), S003=(0, 0))
    dry = styled.parts.central.routing.dry_run(parcel_order(("KIT", 1)))
    assert (dry["taken"], dry["terms"]["shelf"]) == ("S001", 0)
    weekly = {"SKU-1": 50_000, "SKU-2": 50_000}
    styled.database.write(lambda unit: unit.demand.set_weekly("S001", weekly))
    prices = RoutingRule("r", ROUTE, walk_in_margin_percent=50.0, horizon_days=7.0)
    publish(styled, prices)
    order_id, (part,) = place(styled, ("KIT", 1))
    assert (part.location_id, shelf(styled, order_id)) == ("S002", 0)
    with styled.database.read() as view:
        found = view.catalogue.prices("EAST", ["SKU-1", "SKU-2"])
    both = 2 * found["SKU-1"].amount_minor + found["SKU-2"].amount_minor
    dry = styled.parts.central.routing.dry_run(parcel_order(("KIT", 1)))
    assert (dry["taken"], dry["terms"]["shelf"]) == ("S001", pytest.approx(both / 2, abs=2))


def test_the_last_kit_breaks_the_runs_of_its_components(styled):
    """Where the last kit takes the last unit of a size, that counts; a kit before it does not."""
    with_kit(styled)
    stock(styled, S001=(4, 3), S002=(0, 0), S003=(0, 0))
    publish(styled, MINDED)
    for balance in (0, 900):
        order_id, _ = place(styled, ("KIT", 1))
        assert why(styled, order_id)["terms"]["balance"] == balance


def test_kits_of_a_shelf():
    """The n-th kit costs what its own units cost, never less than the one before; all is found."""
    kit = WantedKit("kit:K", 3, {1: 2, 2: 1}, {"A": 2, "B": 1})
    found = kit.shelf({
        "A": Stock(5, (1.0, 2.0, 3.0, 4.0, 5.0), fill_probability=0.9),
        "B": Stock(9, (10.0, 20.0, 30.0), fill_probability=0.5),
    })  # fmt: skip
    assert (found.units, found.prices_minor) == (2, (13.0, 27.0))
    assert found.fill_probability == pytest.approx(0.9 * 0.9 * 0.5)
    assert kit.shelf({"A": Stock(5), "B": Stock(0)}) == Stock(0)
    assert kit.shelf({"A": Stock(4, is_full_run=True), "B": Stock(9)}).is_full_run
    assert not kit.shelf({"A": Stock(5, is_full_run=True), "B": Stock(9)}).is_full_run
