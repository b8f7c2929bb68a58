"""Money, names, stock and shares: what holds for all values."""

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync.domain.errors import CurrencyMismatch, InsufficientStock
from sync.domain.escrow import fixed_floor
from sync.domain.ids import (
    CROCKFORD,
    OpId,
    first_id,
    made_at_ms,
    new_id,
    new_order_number,
    new_pickup_code,
    normalize_code,
    pickup_code_hash,
    pickup_code_matches,
)
from sync.domain.inventory import StockEffect, StockPosition, StockReason, available_to_promise
from sync.domain.money import Money
from sync.domain.people import MAY_OVERRIDE, MAY_WORK, Role

times = st.integers(0, (1 << 48) - 1)
seeds = st.integers(0, 1 << 32)
units = st.integers(-1000, 1000)
positions = st.builds(StockPosition, st.just("S001"), st.just("SKU-1"), units, units, units, units)


@given(st.integers(), st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_the_parts_of_a_split_add_up(amount: int, weights: list[int]):
    """No cent is lost or made, and no part is a whole unit away from its share."""
    assume(sum(weights))
    parts = Money(amount, "USD").split(tuple(weights))
    assert sum(part.amount_minor for part in parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount_minor * sum(weights) - amount * weight) < sum(weights)


@pytest.mark.parametrize("weights", [(), (0, 0), (2, -1)])
def test_a_split_needs_weights(weights: tuple[int, ...]):
    """Nothing to split by, or a negative share, is a mistake of the caller."""
    with pytest.raises(ValueError, match="weights"):
        Money(100, "USD").split(weights)


@given(st.integers(), st.integers(), st.integers(0, 100))
def test_money_adds_subtracts_and_multiplies(left: int, right: int, count: int):
    """Amounts of one currency are integers in all they do."""
    a, b = Money(left, "EUR"), Money(right, "EUR")
    assert a + b - b == a
    assert sum((a for _ in range(count)), Money(0, "EUR")) == a.times(count)


def test_currencies_do_not_mix():
    """A sum over two currencies is refused and names both."""
    with pytest.raises(CurrencyMismatch) as caught:
        Money(1, "USD") + Money(1, "EUR")
    assert caught.value.data() == {"left": "USD", "right": "EUR"}


@given(times, times, seeds, seeds)
def test_ids_sort_by_their_time(early: int, late: int, one: int, two: int):
    """A later id is a greater string, whatever the randomness."""
    assume(early < late)
    assert new_id(early, Random(one)) < new_id(late, Random(two))


@given(st.integers(0, 2**48 - 1), st.integers())
def test_an_id_says_when_it_was_made(now_ms: int, seed: int) -> None:
    """It sorts after the first id of its moment, and before that of the next one."""
    made = new_id(now_ms, Random(seed))
    assert made_at_ms(made) == now_ms
    assert first_id(now_ms) <= made
    assert now_ms + 1 == 2**48 or made < first_id(now_ms + 1)


@given(times, seeds)
def test_ids_and_codes_are_of_one_alphabet(now_ms: int, seed: int):
    """Nothing made here can be misread aloud, and a seed makes the same again."""
    made = (new_id(now_ms, Random(seed)), new_pickup_code(Random(seed)))
    assert [len(text) for text in made] == [26, 8]
    assert set("".join(made)) <= set(CROCKFORD)
    assert made[0] == new_id(now_ms, Random(seed))
    assert len(new_order_number(Random(seed))) == 9


@given(seeds, st.data())
def test_a_code_is_known_however_it_is_typed(seed: int, data: st.DataObject):
    """Case, separators and look-alike letters do not matter; another order's hash does."""
    code = new_pickup_code(Random(seed))
    alike = {"0": "0oO", "1": "1iIlL", "V": "vVuU"}
    typed = "".join(
        data.draw(st.sampled_from(alike.get(letter, letter + letter.lower())))
        + data.draw(st.sampled_from(["", "-", " ", "."]))
        for letter in code
    )
    held = pickup_code_hash("F1", code)
    assert normalize_code(typed) == code
    assert pickup_code_matches("F1", typed, held)
    assert not pickup_code_matches("F2", typed, held)


@given(st.text())
def test_any_text_can_be_tried_as_a_code(text: str):
    """Scanner noise is a wrong code, never a crash; normalizing twice changes nothing."""
    assert not pickup_code_matches("F1", text, "")
    assert normalize_code(normalize_code(text)) == normalize_code(text)


@given(positions, st.lists(st.tuples(units, units), max_size=8))
def test_available_to_promise_explains_itself(position: StockPosition, moves: list):
    """The terms add up to the figure, after any effects; what is shown is never negative."""
    for on_hand, allocated in moves:
        effect = StockEffect("SKU-1", on_hand, allocated, StockReason.RELEASED)
        position = position.applied(effect)
    terms = available_to_promise(position)
    assert terms.raw == terms.on_hand - terms.allocated - terms.floor - terms.safety_stock
    assert terms.on_hand == position.on_hand
    assert terms.quantity == max(0, terms.raw)


@given(st.integers(-100, 10_000), st.integers(0, 100))
def test_a_fixed_floor_is_a_part_of_the_book(on_hand: int, percent: int):
    """It is rounded up, never negative, and never more than there is."""
    floor = fixed_floor(on_hand, percent)
    assert 0 <= floor <= max(0, on_hand)
    assert floor * 100 >= max(0, on_hand) * percent > (floor - 1) * 100 or floor == 0


def test_an_operation_is_named_by_its_place():
    """The identity sorts by place and prints as one word."""
    assert str(OpId("R1", 2, 7)) == "R1/2/7"
    assert OpId("R1", 1, 10) > OpId("R1", 1, 9)


def test_a_shortfall_is_told_by_sku():
    """The words and the data name each SKU that nothing stands behind."""
    problem = InsufficientStock({"B": 2, "A": 1})
    assert str(problem) == "no location can promise 1 x A, 2 x B"
    assert problem.data() == {"shortfall": {"B": 2, "A": 1}}


def test_who_may_override_may_work():
    """Rights grow with the role; an auditor changes nothing."""
    assert MAY_OVERRIDE < MAY_WORK
    assert Role.AUDITOR not in MAY_WORK
