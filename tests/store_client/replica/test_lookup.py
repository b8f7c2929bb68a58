"""Products by words, SKU or barcode; stock with what the store did itself."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.domain.fulfillment import PickupProof, ProofKind, ShortReason
from sync.domain.operations import HandedOver, LinePicked, LineQuantity, LineShortPicked
from sync.edge.fold import fold
from sync.protocol.rows import Entity, FulfillmentRow, PriceRow, ProductRow, encode_body
from tests.support.builders import an_order
from tests.sync.edge.worlds import World

PROOF = PickupProof(ProofKind.PICKUP_CODE, "Kim")
PRODUCTS = (
    ProductRow("TEA-1", "Assam black tea", "Northwind", "Tea", ("04012345678901",)),
    ProductRow("TEA-2", "Assam green tea", "Northwind", "Tea", ("04012345678901",)),
    ProductRow("CUP-1", "Amélie's café cup, 0.3 l", "Ünal & Söhne", "Cups", ("00000096385074",)),
    ProductRow("CUP-2", "किताब cup", "", "", ()),
)


@pytest.fixture
def shop(world: World) -> World:
    for product in PRODUCTS:
        world.central.put("catalogue", Entity.PRODUCT, product.sku, product)
    world.quiet()
    return world


def skus(world: World, text: str, limit: int = 20) -> set[str]:
    return {hit.sku for hit in world.store.products(text, limit)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tea", {"TEA-1", "TEA-2"}),
        ("TEA black", {"TEA-1"}),
        ("bla as", {"TEA-1"}),
        ("north gre", {"TEA-2"}),
        ("cafe", {"CUP-1"}),
        ("café", {"CUP-1"}),
        ("cafe\u0301", {"CUP-1"}),
        ("Ame\u0301lie", {"CUP-1"}),
        ("unal sohne", {"CUP-1"}),
        ("TEA-1", {"TEA-1"}),
        ("tea_1", {"TEA-1"}),
        ("cup 0.3", {"CUP-1"}),
        ("4012345678901", set()),
        ("04012345678901", {"TEA-1", "TEA-2"}),
        ("black cup", set()),
        ("", set()),
        ("  ", set()),
        ("_", set()),
        ("-", set()),
    ],
)
def test_products_are_found_by_the_beginnings_of_their_words(shop: World, text: str, found: set):
    """Every word typed begins one of the product; case, accents and dots do not matter."""
    assert skus(shop, text) == found


@pytest.mark.parametrize(
    "text",
    ["foo* OR", '"foo* OR', '"', '""', "tea OR cup", "tea NOT black", "NEAR(tea black)", "name:tea",
     "^tea", "tea*", "(tea", "tea)", "{sku name}: tea", "tea; DROP TABLE products", "'", "--", "%",
     "\\", "\0", "a\0b", "te AND", "- tea", "+", "\ud800", "²", "١٢٣", "tea\n\tblack"],
)  # fmt: skip
def test_a_query_is_words_never_syntax(shop: World, text: str):
    """Operators, quotes and column names of the index are words like others."""
    found = skus(shop, text)
    assert found <= {product.sku for product in PRODUCTS}
    if "OR" in text or "NOT" in text or "DROP" in text:
        assert found == set()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_nothing_that_can_be_typed_breaks_the_search(shop: World, text: str):
    """Any text is a query or finds nothing."""
    skus(shop, text)
    shop.store.product_by_code(text)
    shop.store.find_orders(text)


def test_a_pasted_page_is_a_query_like_another(shop: World):
    """Thousands of words do not overwhelm the index."""
    assert skus(shop, "tea " * 5000) == {"TEA-1", "TEA-2"}
    assert skus(shop, "x" * 100_000) == set()


def test_a_search_keeps_to_its_limit(shop: World):
    """The screen asks for as many as it shows."""
    assert len(skus(shop, "tea", 1)) == 1


@pytest.mark.parametrize("code", ["4012345678901", "04012345678901", " 04012345678901\n"])
def test_a_barcode_is_found_with_any_padding(shop: World, code: str):
    """EAN-13 and GTIN-14 of one product are one barcode, and two SKUs may share it."""
    assert [hit.sku for hit in shop.store.product_by_code(code)] == ["TEA-1", "TEA-2"]


@pytest.mark.parametrize("code", ["96385074", "000096385074", "0000096385074"])
def test_a_short_barcode_is_found_with_any_padding(shop: World, code: str):
    """An EAN-8 is read as it is printed, or padded by the scanner."""
    assert [hit.sku for hit in shop.store.product_by_code(code)] == ["CUP-1"]


@pytest.mark.parametrize("code", ["", "0", "4012345678902", "' OR 1=1", "tea-1", "-96385074"])
def test_an_unknown_code_finds_nothing(shop: World, code: str):
    """A SKU is exact, and nothing is found for nothing."""
    assert shop.store.product_by_code(code) == []


def test_a_hit_tells_price_and_stock(shop: World):
    """What the store has, what of it is promised, and what may be sold."""
    shop.central.put("prices:US", Entity.PRICE, "TEA-1", PriceRow("TEA-1", 499, "USD"))
    shop.central.place(an_order(1, 2))
    shop.round()
    (lamp,) = shop.store.product_by_code("SKU-1")
    assert (lamp.price_minor, lamp.currency) == (1001, "USD")
    assert (lamp.on_hand, lamp.allocated, lamp.available) == (20, 2, 18)
    (tea,) = shop.store.product_by_code("TEA-1")
    assert (tea.price_minor, tea.on_hand, tea.allocated, tea.available) == (499, None, 0, 0)


def test_what_the_store_did_counts_before_central_has_heard(shop: World):
    """A hand-over and a missing unit move the figures at once, and only once."""
    shop.central.place(an_order(1, 3))
    shop.central.place(an_order(2, 2))
    shop.quiet()
    shop.faulty.cut()
    shop.perform(LineShortPicked("F00001", 1, 1, ShortReason.NOT_FOUND))
    shop.perform(LinePicked("F00001", 1, 2))
    shop.perform(HandedOver("F00001", (LineQuantity(1, 2),), PROOF))

    def figures() -> tuple[int | None, int, int]:
        (hit,) = shop.store.product_by_code("SKU-1")
        return hit.on_hand, hit.allocated, hit.available

    assert figures() == (17, 2, 15)
    shop.reopen()
    assert figures() == (17, 2, 15)
    shop.faulty.restore()
    shop.quiet()
    assert figures() == (17, 2, 15)
    shop.check_equal()


def test_work_that_the_rules_pass_over_moves_no_stock(shop: World):
    """Central may have ended what the store works on: the figures follow the order's view."""
    shop.central.place(an_order(1, 3))
    shop.quiet()
    shop.faulty.cut()
    shop.perform(LinePicked("F00001", 1, 2))
    shop.perform(LineShortPicked("F00001", 1, 1, ShortReason.NOT_FOUND))
    shop.central.cancel("F00001")
    base = shop.central.orders["F00001"]
    with shop.store._database.writing() as connection:
        row = encode_body(Entity.FULFILLMENT, FulfillmentRow(base))
        shop.store._views.put_bases(connection, [("F00001", 99, row)])
    moved = {sku: (on_hand, tied) for sku, on_hand, tied in shop.store.pending_effects()}
    expected = fold(base, shop.store.journal.pending({"F00001": 0})["F00001"]).effects
    assert moved == {sku: (on_hand, tied) for sku, on_hand, tied in expected}


def test_an_order_that_central_took_away_ties_nothing(shop: World):
    """Its row is gone and its units are free at central: work on it moves goods only."""
    shop.central.place(an_order(1, 3))
    shop.quiet()
    shop.perform(LineShortPicked("F00001", 1, 1, ShortReason.NOT_FOUND))
    assert shop.store.pending_effects() == [("SKU-1", -1, -1)]
    with shop.store._database.writing() as connection:
        shop.store._views.put_bases(connection, [("F00001", 99, None)])
    assert shop.store.pending_effects() == [("SKU-1", -1, 0)]


def test_a_changed_fold_is_shared_out_anew(shop: World):
    """A SKU whose pending work weighs otherwise than before is looked at again."""
    shop.central.place(an_order(1, 3))
    shop.quiet()
    shop.perform(LineShortPicked("F00001", 1, 1, ShortReason.NOT_FOUND))
    shop.store.shares.evaluated()
    assert shop.store.shares.changed() == []
    with shop.store._database.writing() as connection:
        shop.store._views.put_bases(connection, [("F00001", 99, None)])
    assert shop.store.shares.changed() == ["SKU-1"]
