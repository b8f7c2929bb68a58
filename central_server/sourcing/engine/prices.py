"""What a unit is worth where it lies: to a walk-in customer, and to the balance of stock.

Walk-in demand until the next delivery is taken as Poisson with the mean
rate x days. With s units on the shelf, giving up the s-th costs the margin of the
walk-in who would have bought it, and saves its markdown if nobody would have:

    price(s) = margin P(W >= s) - markdown P(W < s)

The next unit given up is the (s-1)-th, and so on: prices never fall with the
number of units taken, which is what makes splitting by ascending cost exact.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import erfc, exp, sqrt

from central_server.sourcing.engine.model import Rules, Stock

MEAN_DIGITS = 3
"""Means are rounded to so many digits after the point, so that tables are found again."""
MEAN_MAX = 500.0
"""From this mean on the normal distribution is near enough."""
SPREADS, ROOM = 9.0, 40
"""A table ends so many standard deviations, and so many units, above the mean."""
DAYS_A_WEEK = 7


class Shelf:
    """The stock of one SKU at one candidate, and what its units are worth there."""

    __slots__ = ("_worth", "first", "stock", "units")

    def __init__(self, stock: Stock, rules: Rules) -> None:
        self.stock = stock
        self.units = max(0, stock.units - rules.kept_units)
        """Units that may leave."""
        self._worth: dict[int, tuple[float, ...]] = {}
        self.first = _first_worth(stock, rules) if self.units else 0.0
        """What giving up the first unit costs."""

    def worth(self, rules: Rules, quantity: int) -> tuple[float, ...]:
        """Return what giving up each of up to `quantity` units costs, risk and balance included."""
        count = min(quantity, self.units)
        if count == 1:  # most lines want one, and that is known of every location already
            return (self.first,)
        found = self._worth.get(count)
        if found is None:
            found = self._worth[count] = worth_of(self.stock, rules, count)
        return found


def _first_worth(stock: Stock, rules: Rules) -> float:
    """Return what `worth_of` says of one unit; a short cut, for it is asked of every location."""
    if stock.prices_minor or rules.supply_weeks or rules.broken_run_minor or stock.dual_minor:
        return worth_of(stock, rules, 1)[0]
    price = (1.0 - stock.fill_probability) * rules.failed_pick_minor
    margin, markdown = stock.walk_in_margin_minor, stock.markdown_minor
    if rules.stock_weight and (margin or markdown):
        mean = round(stock.walk_ins_per_day * stock.horizon_days, MEAN_DIGITS)
        chance = at_least(mean, stock.units)
        price += rules.stock_weight * ((margin + markdown) * chance - markdown)
    return price


def worth_of(stock: Stock, rules: Rules, count: int) -> tuple[float, ...]:
    """Return what giving up each of `count` units costs, risk and balance included."""
    risk = (1.0 - stock.fill_probability) * rules.failed_pick_minor
    weight = rules.stock_weight
    if weight:
        worth = [price * weight + risk for price in shelf_prices(stock, count)]
    else:
        worth = [risk] * count
    for number, price in enumerate(balance_prices(stock, count, rules)):
        worth[number] += price * rules.balance_weight
    return tuple(worth)


def most_worth(stock: Stock, rules: Rules) -> float:
    """Return what giving up any unit costs at most, by `worth_of`, without a table."""
    most = stock.prices_minor[-1] if stock.prices_minor else stock.walk_in_margin_minor
    price = rules.stock_weight * max(most, stock.dual_minor, 0.0)
    price += (1.0 - stock.fill_probability) * rules.failed_pick_minor
    harm = rules.supply_minor if rules.supply_weeks > 0 else 0.0
    if stock.is_full_run:
        harm += rules.broken_run_minor
    return price + rules.balance_weight * harm


@lru_cache(maxsize=20_000)
def tails(mean: float) -> tuple[float, ...]:
    """Return P(W >= n) for n = 0, 1 ... while it counts, W Poisson with `mean` < `MEAN_MAX`."""
    term = exp(-mean)
    below, found = 0.0, [1.0]
    for number in range(int(mean + SPREADS * sqrt(mean)) + ROOM):
        below += term
        term *= mean / (number + 1)
        found.append(max(0.0, 1.0 - below))
    return tuple(found)


def at_least(mean: float, units: int) -> float:
    """Return the probability that at least `units` are asked for, the mean being `mean`."""
    if mean >= MEAN_MAX:
        return 0.5 * erfc((units - 0.5 - mean) / sqrt(2 * mean))
    table = tails(mean)
    return table[units] if units < len(table) else 0.0


def _chances(mean: float, units: int, count: int) -> list[float]:
    """Return `at_least(mean, n)` for n = units, units - 1 ... : `count` of them."""
    if mean >= MEAN_MAX:
        return [at_least(mean, units - number) for number in range(count)]
    table = tails(mean)
    known = list(table[max(0, units - count + 1) : units + 1])
    known.reverse()
    return [0.0] * (count - len(known)) + known


def shelf_prices(stock: Stock, taken_max: int) -> tuple[float, ...]:
    """Return what giving up the first, second ... `taken_max`-th unit costs (minor units)."""
    count = min(taken_max, stock.units)
    if stock.prices_minor:
        return _continued(stock.prices_minor, count)
    margin, markdown = stock.walk_in_margin_minor, stock.markdown_minor
    if not margin and not markdown:
        return (max(0.0, stock.dual_minor),) * count
    mean = round(stock.walk_ins_per_day * stock.horizon_days, MEAN_DIGITS)
    both = margin + markdown
    found = [both * chance - markdown for chance in _chances(mean, stock.units, count)]
    if stock.dual_minor:
        return tuple(max(price, stock.dual_minor) for price in found)
    return tuple(found)


def balance_prices(stock: Stock, taken_max: int, rules: Rules) -> tuple[float, ...]:
    """Return what taking each unit costs the balance of stock; empty if nothing does.

    A unit that leaves less than `supply_weeks` of walk-in demand costs the missing
    share of `supply_minor`; the last unit of a full run of sizes `broken_run_minor`.
    """
    count = min(taken_max, stock.units)
    weekly = stock.walk_ins_per_day * DAYS_A_WEEK
    is_short = rules.supply_weeks > 0 and rules.supply_minor > 0 and weekly > 0
    breaks = breaks_run(stock, count, rules)
    if not is_short and not breaks:
        return ()
    found = [0.0] * count
    if is_short:
        for number in range(count):
            weeks = (stock.units - number - 1) / weekly
            found[number] = rules.supply_minor * max(0.0, 1.0 - weeks / rules.supply_weeks)
    if breaks:
        found[-1] += rules.broken_run_minor
    return tuple(found)


def breaks_run(stock: Stock, taken: int, rules: Rules) -> bool:
    """Return whether taking so many units breaks a full run of sizes, and rules mind that."""
    return stock.is_full_run and rules.broken_run_minor > 0 and taken == stock.units


def _continued(prices: Sequence[float], count: int) -> tuple[float, ...]:
    """Return `count` prices, never falling: a later unit costs at least what an earlier one did."""
    found: list[float] = []
    for number in range(count):
        price = prices[min(number, len(prices) - 1)]
        found.append(max(price, found[-1]) if found else price)
    return tuple(found)
