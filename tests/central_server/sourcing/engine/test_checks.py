"""Who calls the engine in Python is told what makes no sense, by field, before it decides."""

from dataclasses import fields, replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings

from central_server.sourcing.engine.checks import (
    FAULTS_MAX,
    InvalidRequest,
    check_request,
)
from central_server.sourcing.engine.model import (
    Candidate,
    DayPart,
    Goal,
    RequestedLine,
    RoutingOrder,
    Rules,
    Stock,
)
from central_server.sourcing.engine.routing import route
from central_server.sourcing.engine.tariffs import Service, Tariff, Zone
from tests.central_server.sourcing.engine.test_routing import (
    HOUR,
    NOW,
    RULES,
    networks,
    order,
    parts,
    place,
)

LINE = RequestedLine(1, "SKU-1", 1)
GOOD = place("A", 0, 5, 5)


def holding(stock: Stock) -> Candidate:
    return replace(GOOD, stock={"SKU-1": stock})


def tariff(*zones: Zone) -> Rules:
    return replace(RULES, tariffs={"": Tariff((Service("ground", zones),))})


def part(**changes) -> Candidate:
    return replace(GOOD, parts=(replace(parts((9, 9))[0], **changes),))


ORDERS = [
    ("order.latitude", order(latitude=nan)),
    ("order.latitude", order(latitude=400.0)),
    ("order.longitude", order(longitude=-inf)),
    ("order.excluded", order(excluded="ABC")),
    ("order.lines[1].quantity", order(1, -2)),
    ("order.lines[0].quantity", order(0)),
    ("order.lines[0].quantity", order(1.5)),  # type: ignore[arg-type]
    ("order.lines[0].weight_grams", order(lines=(replace(LINE, weight_grams=-1),))),
    ("order.lines[0].unit_price_minor", order(lines=(replace(LINE, unit_price_minor=-1),))),
    ("order.lines[1].line", order(lines=(LINE, replace(LINE, sku="SKU-2")))),
    ("order.lines[1].weight_grams", order(lines=(LINE, replace(LINE, line=2, weight_grams=9)))),
]
CANDIDATES = [
    ("candidates[1].location_id", GOOD),
    ("candidates[0].latitude", replace(GOOD, latitude=nan)),
    ("candidates[0].longitude", replace(GOOD, longitude=181)),
    ("candidates[0].handling_minor", replace(GOOD, handling_minor=-1)),
    ("candidates[0].unit_handling_minor", replace(GOOD, unit_handling_minor=nan)),
    ("candidates[0].unit_surcharge_minor", replace(GOOD, unit_surcharge_minor=inf)),
    ("candidates[0].lead_minutes", replace(GOOD, lead_minutes=-5)),
    ("candidates[0].radius_km", replace(GOOD, radius_km=nan)),
    ("candidates[0].minutes_per_unit", replace(part(), minutes_per_unit=-1)),
    ("candidates[0].cut_offs['ground']", replace(GOOD, cut_offs={"ground": 1440})),
    ("candidates[0].parts[0].ends_ms", part(ends_ms=NOW)),
    ("candidates[0].parts[0].units", part(units=-1)),
    ("candidates[0].parts[0].labor_minutes", part(labor_minutes=nan)),
    ("candidates[0].parts[1].starts_ms", replace(GOOD, parts=parts((9, 9), (9, 9))[::-1])),
    ("candidates[0].stock['SKU-1'].units", holding(Stock(nan))),  # type: ignore[arg-type]
    ("candidates[0].stock['SKU-1'].fill_probability", holding(Stock(1, fill_probability=1.1))),
    ("candidates[0].stock['SKU-1'].fill_probability", holding(Stock(1, fill_probability=nan))),
    ("candidates[0].stock['SKU-1'].walk_ins_per_day", holding(Stock(1, walk_ins_per_day=nan))),
    ("candidates[0].stock['SKU-1'].horizon_days", holding(Stock(1, horizon_days=-1))),
    ("candidates[0].stock['SKU-1'].walk_in_margin_minor",
     holding(Stock(1, walk_in_margin_minor=inf))),
    ("candidates[0].stock['SKU-1'].markdown_minor", holding(Stock(1, markdown_minor=inf))),
    ("candidates[0].stock['SKU-1'].dual_minor", holding(Stock(1, dual_minor=nan))),
    ("candidates[0].stock['SKU-1'].prices_minor", holding(Stock(1, (1.0, nan)))),
    ("candidates[0].stock['SKU-1'].prices_minor", holding(Stock(1, (2.0, 1.0)))),
]  # fmt: skip
RULE_SETS = [
    ("rules.speed_minor", replace(RULES, speed_minor=nan)),
    ("rules.shipments_max", replace(RULES, shipments_max=0)),
    ("rules.kept_units", replace(RULES, kept_units=-1)),
    ("rules.radius_km", replace(RULES, radius_km=-1.0)),
    ("rules.kinds", replace(RULES, kinds="store")),  # type: ignore[arg-type]
    ("rules.ordered", replace(RULES, ordered=(Goal.COST, Goal.COST))),
    ("rules.tariffs[''].ground.zones", tariff(Zone(1, 5), Zone(1, 5, up_to_km=9))),
    *[
        (f"rules.tariffs[''].ground.zones[0].{one.name}", tariff(Zone(**{**ZONE, one.name: nan})))
        for ZONE in [{"transit_days": 1, "parcel_minor": 1}] for one in fields(Zone)
    ],
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "asked", "stores", "rules"),
    [
        *[(field, asked, [GOOD], RULES) for field, asked in ORDERS],
        *[(field, order(), [one, *([GOOD] if one is GOOD else [])], RULES)
          for field, one in CANDIDATES],
        *[(field, order(), [GOOD], rules) for field, rules in RULE_SETS],
    ],
)  # fmt: skip
def test_each_mistake_is_refused_by_the_name_of_its_field(field, asked, stores, rules):
    """Just this field is named, with what is wrong; nothing is decided."""
    with pytest.raises(InvalidRequest) as refused:
        route(asked, stores, rules, NOW)
    (fault,) = refused.value.faults
    assert fault.field == field
    assert fault.text
    assert str(refused.value) == f"{field}: {fault.text}"


def test_stock_of_what_nobody_wants_is_not_looked_at():
    """What a check costs depends on the wanted SKUs alone."""
    one = replace(GOOD, stock={"SKU-1": Stock(5), "OTHER": Stock(5, (2.0, 1.0))})
    assert check_request(order(), [one], RULES) == []


def test_an_oversold_store_keeps_no_other_from_shipping():
    """Below nothing is nothing: books of real stores have such figures."""
    short = replace(GOOD, location_id="SHORT", stock={"SKU-1": Stock(-2)})
    assert [one.location_id for one in route(order(), [short, GOOD], RULES, NOW).shipments] == [
        GOOD.location_id
    ]


def test_whole_numbers_of_a_data_frame_are_whole_numbers():
    """Python callers often hold their figures in arrays."""
    numpy = pytest.importorskip("numpy")
    (line,) = order().lines
    asked = replace(order(), lines=(replace(line, quantity=numpy.int64(line.quantity)),))
    assert route(asked, [GOOD], RULES, NOW) == route(order(), [GOOD], RULES, NOW)


def test_a_part_of_a_day_may_have_no_limit_at_all():
    """As its labor, which has none unless it is said."""
    free = replace(GOOD, parts=(DayPart(NOW, NOW + HOUR, inf, inf),))  # type: ignore[arg-type]
    assert route(order(), [free], RULES, NOW).shipments


def test_many_mistakes_are_told_by_the_score():
    """A file that is wrong in every line gives no answer as long as itself."""
    stores = [replace(GOOD, location_id=f"L{n}", latitude=nan) for n in range(500)]
    assert len(check_request(order(), stores, RULES)) == FAULTS_MAX


def test_what_the_model_allows_is_allowed():
    """No limit, no price, no labor, overlapping parts, nothing asked for: all of it makes sense."""
    full = replace(
        GOOD, radius_km=inf, cut_offs={"ground": 0},
        parts=(*parts((9, 9)), DayPart(NOW, NOW + HOUR, 0, 0, inf, None, 1.0)),
        stock={"SKU-1": Stock(5, (-3.0, 2.0), dual_minor=-4.0)},
    )  # fmt: skip
    assert check_request(order(), [full], RULES) == []
    assert route(RoutingOrder((), 0.0, 0.0), [full], RULES, NOW).shipments == ()
    assert check_request(order(), [], replace(RULES, tariffs={})) == []


@given(networks())
@settings(deadline=None, max_examples=20)
def test_sound_requests_pass(case):
    """What the engine's own properties are tried on is sound."""
    asked, stores = case
    assert check_request(asked, stores, RULES) == []


def anything(value: object) -> Any:
    """Return a value that is not of the type that it stands for."""
    return value


def said(**changes) -> RoutingOrder:
    """Return an order of one line of which something is said wrongly."""
    return order(lines=(replace(LINE, **changes),))


STRANGE = [  # what whoever has the documentation alone may hand over: not what `model` says
    ("order.lines[0].quantity", "'2' is no number", said(quantity="2"), GOOD, RULES),
    ("order.lines[0].quantity", "nothing is said", said(quantity=None), GOOD, RULES),
    ("order.lines[0].quantity", "between 1 and 1000000", said(quantity=10**7), GOOD, RULES),
    ("order.lines[0].weight_grams", "nothing is said", said(weight_grams=None), GOOD, RULES),
    ("order.lines[0].needs", "['cold'] is a list", said(needs=["cold"]), GOOD, RULES),
    ("order.lines[0].needs", "'cold' is one text", said(needs="cold"), GOOD, RULES),
    ("order.latitude", "nothing is said", order(latitude=None), GOOD, RULES),
    ("order.latitude", "'40' is no number", order(latitude="40"), GOOD, RULES),
    ("order.excluded", "['A'] is a list", order(excluded=["A"]), GOOD, RULES),
    ("candidates[0].latitude", "nothing is said", order(),
     replace(GOOD, latitude=anything(None)), RULES),
    ("candidates[0].longitude", "'-80' is no", order(),
     replace(GOOD, longitude=anything("-80")), RULES),
    ("candidates[0].channels", "is one text", order(),
     replace(GOOD, channels=anything("web")), RULES),
    ("candidates[0].capabilities", "is a list", order(),
     replace(GOOD, capabilities=anything(["x"])), RULES),
    ("candidates[0].stock['SKU-1']", "3 is no Stock", order(),
     replace(GOOD, stock=anything({"SKU-1": 3})), RULES),
    ("candidates[0].stock['SKU-1'].units", "nothing is said", order(),
     holding(Stock(anything(None))), RULES),
    ("candidates[0].stock['SKU-1'].units", "'5' is no number", order(),
     holding(Stock(anything("5"))), RULES),
    ("candidates[0].stock['SKU-1'].units", "2.5 is no whole number", order(),
     holding(Stock(anything(2.5))), RULES),
    ("candidates[0].stock['SKU-1'].dual_minor", "more digits", order(),
     holding(Stock(5, dual_minor=10**400)), RULES),
    ("rules.speed_minor", "more digits", order(), GOOD, replace(RULES, speed_minor=-(10**5000))),
    ("rules.ordered", "'price' is no goal", order(), GOOD,
     replace(RULES, ordered=anything(("price",)))),
    ("rules.tariffs['']", "is no Tariff", order(), GOOD,
     replace(RULES, tariffs=anything({"": (1,)}))),
    ("rules.speed_minor", "nothing is said", order(), GOOD,
     replace(RULES, speed_minor=anything(None))),
]  # fmt: skip


@pytest.mark.parametrize(("field", "words", "asked", "one", "rules"), STRANGE)
def test_what_is_of_another_type_is_named_like_what_is_out_of_bounds(
    field, words, asked, one, rules
):
    """No error of Python's from within, and nothing that is half understood."""
    with pytest.raises(InvalidRequest) as refused:
        route(asked, [one], rules, NOW)
    (fault,) = refused.value.faults
    assert fault.field == field
    assert words in fault.text


@pytest.mark.parametrize("now", [None, NOW + 0.5, "2026-03-02T15:00:00Z"])
def test_the_instant_is_whole_milliseconds(now):
    """What is no instant is refused as any other value is."""
    with pytest.raises(InvalidRequest, match=r"now_ms: .* is no whole number of milliseconds"):
        route(order(), [GOOD], RULES, now)
