"""The command line's part for curbside: who waits outside, for scripts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.order_cli import AsJson, By, Line, Number, Orders, say
from store_client.pickup_cli import order_document
from store_client.wave_cli import register_waves

if TYPE_CHECKING:
    from store_client.services.desk import Desk
    from sync.domain.fulfillment import FulfillmentOrder

FLOW = "curbside"


def register(app: typer.Typer, line: Line) -> None:
    """Mount `curbside`; picked and staged is with `pickup`, several on one walk here."""
    group = typer.Typer(no_args_is_help=True, help="Curbside: who waits outside, and where.")
    app.add_typer(group, name="curbside")
    orders = Orders(line, (FLOW,), "curbside order", _document)
    register_waves(group, orders, FLOW)

    @group.command("list", epilog=line.epilog)
    def list_orders(context: typer.Context, as_json: AsJson = False) -> None:
        """List the orders that are brought out, the longest wait outside first."""
        from store_client.flows.curbside import commands

        def read(desk: "Desk") -> list[dict[str, Any]]:
            outside = commands.outside(desk)
            here, rows = [one.order for one in outside], commands.not_here(desk, outside)
            others = [order for row in rows if (order := desk.store.fulfillment(row.id))]
            return [_document(order) for order in (*here, *others)]

        say(line.with_desk(context, "", read), as_json=as_json)

    @group.command(epilog=line.epilog)
    def arrived(
        context: typer.Context,
        number: Number,
        by: By,
        parking: Annotated[str, typer.Option(help="Where the car stands, such as P1.")],
        vehicle: Annotated[str, typer.Option(help="What it looks like.")] = "",
        as_json: AsJson = False,
    ) -> None:
        """Note that the customer waits outside; again, it corrects the place."""
        from store_client.flows.curbside import commands

        orders.act(
            context, number, by,
            lambda desk, key: commands.arrived(desk, key, parking, vehicle), as_json,
        )  # fmt: skip

    @group.command(epilog=line.epilog)
    def left(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Note that nobody waits outside for this order."""
        from store_client.flows.curbside import commands

        orders.act(context, number, by, commands.left, as_json)


def _document(order: "FulfillmentOrder") -> dict[str, Any]:
    from sync.domain.flows.curbside import arrival_of

    arrival = arrival_of(order)
    return {
        **order_document(order),
        "parking": arrival.parking if arrival else "",
        "vehicle": arrival.vehicle if arrival else "",
        "waits_since_ms": arrival.since_ms if arrival else None,
    }
