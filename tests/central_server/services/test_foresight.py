"""Parcel orders that were decided before their transaction: never on what is not so any more."""

from random import Random

import pytest

from central_server.services.parcel_routing import ParcelRouting
from central_server.services.promises import Ask, Promises
from central_server.sourcing.promise_rules import Level, Method, PromiseRule, RuleKind
from central_server.sourcing.routing_rules import RoutingRule, RoutingRuleKind
from sync.domain.errors import InsufficientStock
from tests.central_server.services.test_parcels import place
from tests.central_server.services.test_routing_rules import publish
from tests.support.central_world import SKUS, World
from tests.support.parcels import CARRIERS


def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, happens) -> None:
    """Let something happen once between finding an order's plan and its transaction."""
    groups = world.parts.central.orders._groups
    foresee = groups._foresee
    todo = [happens]

    def then(*asked):
        found = foresee(*asked)
        assert found is not None
        if todo:
            todo.pop()()
        return found

    monkeypatch.setattr(groups, "_foresee", then)


def publish_promises(world, *rules):
    """Put rules of promising in force."""
    book = world.parts.central.promise_rules
    made = book.draft(rules, note="", by="test")
    how = {"effective_from_ms": None, "note": "", "reading": made["reading"]}
    book.publish(made["version"], by="approver", **how)


def decisions_in_writer(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the kind of view of each decision."""
    seen: list[str] = []
    decide = ParcelRouting.decide

    def spied(self, *asked, **how):
        seen.append(type(self._view).__name__)
        return decide(self, *asked, **how)

    monkeypatch.setattr(ParcelRouting, "decide", spied)
    return seen


def test_the_plan_is_found_before_the_transaction(shipping: World, monkeypatch):
    """Others that write do not wait while a plan is found, and the trace is that plan's."""
    seen = decisions_in_writer(monkeypatch)
    order_id, (work,) = place(shipping, ("SKU-1", 2))
    assert seen == ["View"]
    assert work.location_id == "S001"
    assert shipping.parts.central.routing.why(order_id)["decisions"]


def test_stock_that_went_meanwhile_is_not_promised(shipping: World, monkeypatch):
    """Who was faster has it; the parcel goes elsewhere, or is refused, and the books hold."""
    seen = decisions_in_writer(monkeypatch)
    meanwhile(shipping, monkeypatch, lambda: shipping.place(("SKU-1", 9), at="S001"))
    _, (work,) = place(shipping, ("SKU-1", 2))
    assert work.location_id != "S001"
    assert seen == ["View", "Unit"]
    left = [shipping.stock(name, "SKU-1") for name in ("S001", "S002", "S003")]
    assert sum(allocated for _, allocated in left) == 11
    shipping.check_books()


def test_rules_that_were_published_meanwhile_hold(shipping: World, monkeypatch):
    """A plan by former rules is thrown away: of routing, and of what the network keeps."""
    forbid = RoutingRule("closed", RoutingRuleKind.SERVE, locations=("S001",), enabled=False)
    meanwhile(shipping, monkeypatch, lambda: publish(shipping, forbid))
    _, (work,) = place(shipping, ("SKU-1", 2))
    assert work.location_id != "S001"
    rule = PromiseRule("all", RuleKind.HOLDBACK, level=Level.NETWORK, units=1000)
    meanwhile(shipping, monkeypatch, lambda: publish_promises(shipping, rule))
    with pytest.raises(InsufficientStock):
        place(shipping, ("SKU-2", 1))
    shipping.check_books()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_free_is_what_is_promised(world: World, seed: int):
    """Units without their terms are the same units, whatever the rules and the stock."""
    dice = Random(seed)
    if seed % 2:
        world.parts.intake.carriers(CARRIERS)
    for _ in range(6):
        lines = [(sku, dice.randint(1, 3)) for sku in dice.sample(SKUS, 2)]
        world.place(*lines, at=dice.choice(("S001", "S002", "S003")))
    kinds = [
        PromiseRule("s", RuleKind.SAFETY_STOCK, units=dice.randint(0, 9), skus=(SKUS[0],)),
        PromiseRule("n", RuleKind.HOLDBACK, level=Level.NETWORK, units=dice.randint(0, 20)),
        PromiseRule("o", RuleKind.OFFER, offered=False, locations=("S002",)),
    ]
    rules = tuple(dice.sample(kinds, seed % 3))
    if rules:
        publish_promises(world, *rules)
    with world.database.read() as view:
        for method in Method:
            for is_moved in (False, True):
                ask = Ask(method=method.value, is_moved=is_moved)
                promises = Promises(view, world.clock.now_ms())
                wanted = {
                    place: {sku: one.quantity for sku, one in found.items() if one.quantity}
                    for place, found in promises.at(SKUS, ask).items()
                    if any(one.is_offered for one in found.values())
                }
                assert Promises(view, world.clock.now_ms()).free(SKUS, ask) == wanted
