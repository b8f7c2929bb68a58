"""The command line's part for paying in stores: policies, gift cards, the tender report."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from central_server.desk_cli import NOT_FOUND, USAGE, AsJson, By, Line
from central_server.money_records import VALUE_MINOR_MAX
from sync.domain.errors import DomainError
from sync.domain.pickups import SpotCapacity
from sync.domain.reservations import CategoryHold
from sync.domain.tenders import TenderKind

LocationId = Annotated[str, typer.Argument(help="Id of the store.")]
DAY = timedelta(days=1)
HOURS_MAX = 365 * 24
_CURRENCY = re.compile("[A-Z]{3}")


def register(app: typer.Typer, line: Line) -> None:
    """Mount `gift-card`, `tenders`, `reserve-policy` and `pickup-policy`."""
    cards = typer.Typer(no_args_is_help=True, help="Gift cards and store credit.")
    app.add_typer(cards, name="gift-card")
    _register_cards(cards, line)
    _register_report(app, line)
    _register_policy(app, line)
    _register_pickup_policy(app, line)


def _register_cards(group: typer.Typer, line: Line) -> None:
    @group.command("issue", epilog=line.epilog)
    def issue(
        amount_minor: Annotated[
            int, typer.Option(min=1, max=VALUE_MINOR_MAX, help="Amount in minor units.")
        ],
        currency: Annotated[
            str, typer.Option(help="ISO 4217; that of the settings unless given.")
        ] = "",
        credit: Annotated[bool, typer.Option("--credit", help="Store credit instead.")] = False,
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Issue a gift card. Its code is shown this once."""
        if currency and not _CURRENCY.fullmatch(currency.upper()):
            line.fail(USAGE, "give the currency as three letters, such as EUR")
        means = TenderKind.STORE_CREDIT if credit else TenderKind.GIFT_CARD
        with line.opened() as parts:
            chosen = currency.upper() or parts.settings.currency
            made = parts.tills.issue(means, amount_minor, chosen, by)
        line.say(made, f"Code: {made['code']}", as_json=as_json)

    @group.command("show", epilog=line.epilog)
    def show(as_json: AsJson = False) -> None:
        """Say what is left on one; its code comes from HOLDSHELF_VALUE_CODE, or is asked."""
        code = os.environ.get("HOLDSHELF_VALUE_CODE", "") or str(typer.prompt("Code")).strip()
        try:
            with line.opened() as parts:
                found = parts.tills.value(code)
        except DomainError as problem:
            line.fail(NOT_FOUND, str(problem))
        line.say(found, f"{found['means']}: {found['balance']}", as_json=as_json)


def _register_report(app: typer.Typer, line: Line) -> None:
    @app.command("tenders", epilog=line.epilog)
    def tenders(
        location: LocationId,
        day: Annotated[str, typer.Option(help="YYYY-MM-DD, UTC.")],
        as_json: AsJson = False,
    ) -> None:
        """Say what a store took on a day: by account, associate and drawer, in minor units."""
        try:
            begin = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            line.fail(USAGE, "give the day as YYYY-MM-DD")
        span = [round(one.timestamp() * 1000) for one in (begin, begin + DAY)]
        try:
            with line.opened() as parts:
                found = parts.tills.report(location, span[0], span[1])
        except DomainError as problem:
            line.fail(NOT_FOUND, str(problem))
        line.say(found, "\n".join(_lines(found)), as_json=as_json)


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{name:<14} {amount:>12}" for name, amount in found["accounts"].items()]
    for title in ("by_associate", "by_drawer"):
        for who, sums in found[title].items():
            lines += [who or "central", *(f"  {name:<12} {n:>12}" for name, n in sums.items())]
    balanced = "Balances to the minor unit." if found["is_balanced"] else "DOES NOT BALANCE."
    return [*lines, balanced]


def _register_policy(app: typer.Typer, line: Line) -> None:
    @app.command("reserve-policy", epilog=line.epilog)
    def reserve_policy(
        location: LocationId,
        hold_hours: Annotated[
            int | None, typer.Option(min=1, max=HOURS_MAX, help="How long goods wait.")
        ] = None,
        category: Annotated[
            list[str] | None, typer.Option(help="Other hours for a category: Food=4.")
        ] = None,
        max_hours: Annotated[
            int | None, typer.Option(min=1, max=HOURS_MAX, help="With extensions.")
        ] = None,
        coin: Annotated[int | None, typer.Option(min=1, help="Smallest coin, minor.")] = None,
        value_limit: Annotated[
            int | None, typer.Option(min=0, help="Stored value while away, minor units.")
        ] = None,
        cards_offline: Annotated[
            bool | None, typer.Option(help="Take cards that no issuer has confirmed.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show how a store holds and is paid, or change what is given."""
        try:
            holds = None if category is None else tuple(map(_category, category))
        except ValueError:
            line.fail(USAGE, f"give a category as NAME=HOURS, 1 to {HOURS_MAX} hours")
        try:
            with line.opened() as parts:
                now = parts.tills.policy(location)
                told: dict[str, Any] = {
                    "hold_hours": hold_hours, "category_holds": holds,
                    "hold_hours_max": max_hours, "cash_step_minor": coin,
                }  # fmt: skip
                changed = replace(now, **{n: v for n, v in told.items() if v is not None})
                if value_limit is not None:
                    limits = replace(
                        now.value_offline, total_minor=value_limit, each_minor=value_limit
                    )
                    changed = replace(changed, value_offline=limits)
                if cards_offline is not None:
                    caps = replace(now.cards_offline, enabled=cards_offline)
                    changed = replace(changed, cards_offline=caps)
                found = parts.tills.set_policy(location, changed)
        except DomainError as problem:
            line.fail(NOT_FOUND, str(problem))
        line.say(found, str(found["policy"]), as_json=as_json)


def _register_pickup_policy(app: typer.Typer, line: Line) -> None:
    @app.command("pickup-policy", epilog=line.epilog)
    def pickup_policy(
        location: LocationId,
        ready_minutes: Annotated[
            int | None, typer.Option(min=0, help="Opening time to get ready; 0: as everywhere.")
        ] = None,
        wait_days: Annotated[
            int | None, typer.Option(min=1, help="Longest wait in days, extensions included.")
        ] = None,
        remind: Annotated[
            list[int] | None, typer.Option(min=0, help="Hours before the end; 0 alone: never.")
        ] = None,
        spot: Annotated[
            list[str] | None, typer.Option(help="Orders that a spot holds: A1=4.")
        ] = None,
        parking: Annotated[
            list[str] | None, typer.Option(help="A spot where customers wait in their cars.")
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Show how pickups wait at a store, or change what is given."""
        try:
            spots = None if spot is None else tuple(map(_capacity, spot))
        except ValueError:
            line.fail(USAGE, "give a spot as NAME=ORDERS")
        told: dict[str, Any] = {
            "ready_minutes": ready_minutes, "wait_days_max": wait_days,
            "reminder_hours": None if remind is None else tuple(one for one in remind if one),
            "capacities": spots, "parking": None if parking is None else tuple(parking),
        }  # fmt: skip
        try:
            with line.opened() as parts:
                now = parts.tills.pickup_policy(location)
                changed = replace(now, **{n: v for n, v in told.items() if v is not None})
                found = parts.tills.set_pickup_policy(location, changed)
        except DomainError as problem:
            line.fail(NOT_FOUND, str(problem))
        line.say(found, str(found["policy"]), as_json=as_json)


def _capacity(text: str) -> SpotCapacity:
    name, _, orders = text.rpartition("=")
    if not name or int(orders) < 1:
        raise ValueError(text)
    return SpotCapacity(name, int(orders))


def _category(text: str) -> CategoryHold:
    name, _, hours = text.rpartition("=")
    if not name or not 1 <= int(hours) <= HOURS_MAX:
        raise ValueError(text)
    return CategoryHold(name, int(hours))
