"""The command line's part for pickups: the same commands as at the screen, for scripts."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.goods_cli import Take, register_goods, register_shelf, units_taken
from store_client.order_cli import AsJson, By, Line, Number, Orders, say
from store_client.wave_cli import register_waves
from sync.domain.fulfillment import RefusalReason

if TYPE_CHECKING:
    from store_client.services.desk import Desk
    from sync.domain.fulfillment import FulfillmentOrder

FLOW = "pickup"


def register(app: typer.Typer, line: Line) -> None:
    """Mount `pickup`."""
    group = typer.Typer(
        no_args_is_help=True, help="Pickups: orders, waves, shelf spots, counter, no-shows."
    )
    app.add_typer(group, name="pickup")
    orders = Orders(line, (FLOW, "curbside"), "pickup order", order_document)
    _register_order(group, orders)
    register_goods(group, orders)
    register_shelf(group, orders)
    _register_spots(group, orders)
    _register_counter(group, orders)
    _register_refusals(group, orders)
    _register_ends(group, orders)
    register_waves(group, orders, FLOW)


def _register_order(group: typer.Typer, orders: Orders) -> None:
    epilog = orders.line.epilog

    @group.command("list", epilog=epilog)
    def list_orders(context: typer.Context, as_json: AsJson = False) -> None:
        """List the open pickup orders, the earliest due time first."""
        from store_client.services.open_orders import open_orders

        def read(desk: "Desk") -> list[dict[str, Any]]:
            return [order_document(order) for order in open_orders(desk, FLOW)]

        say(orders.line.with_desk(context, "", read), as_json=as_json)

    @group.command(epilog=epilog)
    def ready(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Say that the customer may come."""
        from store_client.flows.pickup import commands

        orders.act(context, number, by, commands.mark_ready, as_json)


def _register_counter(group: typer.Typer, orders: Orders) -> None:
    @group.command("hand-over", epilog=orders.line.epilog)
    def hand_over(
        context: typer.Context,
        number: Number,
        by: By,
        code: Annotated[str, typer.Option(help="The customer's pickup code.")] = "",
        document: Annotated[
            str, typer.Option(help="Kind of document that was seen; never its number.")
        ] = "",
        signed: Annotated[bool, typer.Option("--signed", help="They signed a slip.")] = False,
        *,
        to: Annotated[str, typer.Option(help="Who takes it, if not the customer.")] = "",
        take: Take = None,
        despite_doubt: Annotated[
            bool,
            typer.Option(
                "--despite-doubt",
                help="Though another store may have it by now; by a lead or manager.",
            ),
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Hand goods over on a code, an ID check or a signature (the last two by a lead)."""
        from store_client.services import fetching
        from store_client.services.counter import SIGNED, HandOver

        some = units_taken(take)

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            taken = fetching.everything(fetching.load(desk, key)) if some is None else some
            proof = SIGNED if signed else document
            told = HandOver(
                taken, to, is_proxy=bool(to), code=code, document=proof, despite_doubt=despite_doubt
            )
            return fetching.hand_over(desk, key, told)

        orders.act(context, number, by, act, as_json)


def _register_refusals(group: typer.Typer, orders: Orders) -> None:
    @group.command(epilog=orders.line.epilog)
    def refuse(
        context: typer.Context,
        number: Number,
        by: By,
        reason: Annotated[RefusalReason, typer.Option(help="Why.")],
        take: Take = None,
        as_json: AsJson = False,
    ) -> None:
        """Note what the customer at the counter does not take; it goes back to the shelf."""
        from store_client.services import fetching

        taken = units_taken(take)

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            if taken is None:
                return fetching.refuse_everything(desk, key, reason)
            return fetching.customer_refuses_some(desk, key, taken, reason)

        orders.act(context, number, by, act, as_json)


def _register_spots(group: typer.Typer, orders: Orders) -> None:
    @group.command(epilog=orders.line.epilog)
    def spots(context: typer.Context, as_json: AsJson = False) -> None:
        """Say how many orders lie at each spot of the hold shelf, and how many fit."""
        from store_client.services.spots import free_spot, spots_of

        def read(desk: "Desk") -> list[dict[str, Any]]:
            found = spots_of(desk)
            free = free_spot(found)
            return [
                {"spot": one.name, "orders": one.orders, "capacity": one.capacity,
                 "is_full": one.is_full, "is_next": one == free}
                for one in found
            ]  # fmt: skip

        say(orders.line.with_desk(context, "", read), as_json=as_json)


def _register_ends(group: typer.Typer, orders: Orders) -> None:
    epilog = orders.line.epilog

    @group.command("put-backs", epilog=epilog)
    def put_backs(context: typer.Context, as_json: AsJson = False) -> None:
        """List what has to go back to the shelf: no-shows, and what was called off or refused."""
        from store_client.flows.pickup.board import Step, facts_of, next_step
        from store_client.services.open_orders import open_orders

        def read(desk: "Desk") -> list[dict[str, Any]]:
            now_ms = desk.clock.now_ms()
            due = {Step.RELEASE, Step.PUT_BACK}
            return [
                order_document(order)
                for order in open_orders(desk, FLOW)
                if next_step(facts_of(order), now_ms) in due
            ]

        say(orders.line.with_desk(context, "", read), as_json=as_json)

    @group.command("no-show", epilog=epilog)
    def no_show(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Close an order that nobody came for; everything of it is back on the shelf."""
        from store_client.flows.pickup import commands

        orders.act(context, number, by, commands.no_show, as_json)

    @group.command(epilog=epilog)
    def release(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Close an order that nobody came for; its goods are put back later."""
        from store_client.flows.pickup import commands

        orders.act(context, number, by, commands.release, as_json)

    @group.command(epilog=epilog)
    def extend(
        context: typer.Context,
        number: Number,
        by: By,
        days: Annotated[int, typer.Option(min=1, help="Open days longer.")],
        as_json: AsJson = False,
    ) -> None:
        """Ask central to let ready goods wait longer."""
        from store_client.flows.pickup import commands

        orders.act(context, number, by, lambda desk, key: commands.extend(desk, key, days), as_json)


def order_document(order: "FulfillmentOrder") -> dict[str, Any]:
    """Return a pickup order as programs get it. Times in ms UTC."""
    from sync.domain.flows import status_of

    wave = order.wave
    return {
        "id": order.id,
        "number": order.order_number,
        "customer": order.customer_name,
        "status": status_of(order).value,
        "due_ms": order.promised_by_ms,
        "pickup_by_ms": order.expires_at_ms,
        "spot": order.staging_spot,
        "units_open": order.total("open"),
        "units_to_pick": order.total("to_pick"),
        "units_to_put_back": order.total("to_put_back"),
        "wave": wave.name if wave else "",
        "picker": wave.picker if wave else "",
    }
