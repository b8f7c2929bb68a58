"""The command line's part for the goods of one order, whatever its flow: the same everywhere."""

from typing import TYPE_CHECKING, Annotated

import typer

from store_client.order_cli import AsJson, By, Number, Orders
from sync.domain.fulfillment import ShortReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from store_client.services.desk import Desk
    from sync.domain.fulfillment import FulfillmentLine, FulfillmentOrder

Sku = Annotated[str, typer.Option(help="SKU or barcode.")]
Units = Annotated[int, typer.Option(min=1, help="So many of it.")]
Reason = Annotated[ShortReason, typer.Option(help="Why.")]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Go on with what somebody else picks.")]
Take = Annotated[
    list[str] | None, typer.Option(help="Only these units: LINE=UNITS; all unless given.")
]


def register_goods(group: typer.Typer, orders: Orders) -> None:
    """Mount what is done with the goods of an order of any flow, until they are in hand."""
    _register_picking(group, orders)
    _register_giving_up(group, orders)


def register_shelf(group: typer.Typer, orders: Orders) -> None:
    """Mount what is done with goods that wait on the hold shelf for their customer."""
    epilog = orders.line.epilog

    @group.command(epilog=epilog)
    def stage(
        context: typer.Context,
        number: Number,
        by: By,
        spot: Annotated[str, typer.Option(help="Spot of the hold shelf, such as A1.")],
        as_json: AsJson = False,
    ) -> None:
        """Put a picked order at a spot of the hold shelf."""
        from store_client.services import shelf

        orders.act(context, number, by, lambda desk, key: shelf.stage(desk, key, spot), as_json)

    @group.command(epilog=epilog)
    def unstage(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Take an order back from the hold shelf: staged, or called ready, by mistake."""
        from store_client.services import shelf

        orders.act(context, number, by, shelf.unstage, as_json)


def _register_picking(group: typer.Typer, orders: Orders) -> None:
    epilog = orders.line.epilog

    @group.command(epilog=epilog)
    def accept(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Take an order on."""
        from store_client.services import shelf

        orders.act(context, number, by, shelf.accept, as_json)

    @group.command(epilog=epilog)
    def pick(
        context: typer.Context,
        number: Number,
        by: By,
        sku: Sku,
        units: Units = 1,
        take_over: TakeOver = False,
        as_json: AsJson = False,
    ) -> None:
        """Pick units of an order, by SKU or barcode: one unless more are said."""
        from store_client.services import shelf
        from store_client.services.scanner import read_code

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            going_on = _going_on(desk, key, take_over)
            if units == 1:
                return shelf.pick_by_scan(going_on, key, read_code(sku)).order
            line = _line_of(desk, key, sku, lambda one: one.to_pick)
            return shelf.pick_by_hand(going_on, key, line.line, units)

        orders.act(context, number, by, act, as_json)

    @group.command(epilog=epilog)
    def unpick(
        context: typer.Context,
        number: Number,
        by: By,
        sku: Sku,
        units: Units = 1,
        take_over: TakeOver = False,
        as_json: AsJson = False,
    ) -> None:
        """Take the pick of units back: they are on the shelf, and still to be picked."""
        from store_client.services import shelf

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            line = _line_of(desk, key, sku, lambda one: one.held)
            return shelf.unpick(_going_on(desk, key, take_over), key, line.line, units)

        orders.act(context, number, by, act, as_json)

    @group.command("put-back", epilog=epilog)
    def put_back(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Say that everything that nobody expects is back on the shelf."""
        from store_client.services import shelf

        orders.act(context, number, by, shelf.put_back_all, as_json)


def _register_giving_up(group: typer.Typer, orders: Orders) -> None:
    epilog = orders.line.epilog

    @group.command(epilog=epilog)
    def short(
        context: typer.Context,
        number: Number,
        by: By,
        sku: Sku,
        reason: Reason,
        units: Annotated[
            int | None, typer.Option(min=1, help="So many; what is left to pick unless given.")
        ] = None,
        take_over: TakeOver = False,
        as_json: AsJson = False,
    ) -> None:
        """Give units of an item up that this store cannot give."""
        from store_client.services import shelf

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            line = _line_of(desk, key, sku, lambda one: one.to_pick or one.open)
            count = units or line.to_pick or line.open
            going_on = _going_on(desk, key, take_over)
            return shelf.short(going_on, key, line.line, count, reason)

        orders.act(context, number, by, act, as_json)

    @group.command(epilog=epilog)
    def reject(
        context: typer.Context,
        number: Number,
        by: By,
        reason: Reason,
        take_over: TakeOver = False,
        as_json: AsJson = False,
    ) -> None:
        """Decline everything of an order that is still open."""
        from store_client.services import shelf

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            return shelf.reject(_going_on(desk, key, take_over), key, reason)

        orders.act(context, number, by, act, as_json)


def _going_on(desk: "Desk", key: str, take_over: bool) -> "Desk":
    """Return the desk, at which an order that somebody else picks is taken over if asked."""
    from store_client.services import holder

    return holder.take_over(desk, key) if take_over else desk


def _line_of(
    desk: "Desk", key: str, sku: str, wanted: "Callable[[FulfillmentLine], int]"
) -> "FulfillmentLine":
    """Return the line that a code means, of several the first on which something is `wanted`."""
    from store_client.services import shelf
    from store_client.services.scanner import read_code

    lines = shelf.lines_with(desk, shelf.load(desk, key), read_code(sku))
    return next((line for line in lines if wanted(line)), lines[0])


def units_taken(take: list[str] | None) -> tuple[tuple[int, int], ...] | None:
    """Return line and units of each `--take`, None where none is given; raise a usage error.

    Read before anything is recorded: a mistake in the last one leaves nothing of the first.
    """
    return None if take is None else tuple(_units_of(one) for one in take)


def _units_of(text: str) -> tuple[int, int]:
    line, _, units = text.partition("=")
    try:
        return int(line), int(units)
    except ValueError:
        raise typer.BadParameter("give units as LINE=UNITS") from None
