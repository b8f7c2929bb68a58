"""The command line's part for shipping: the same commands as at the screen, for scripts."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.goods_cli import Take, register_goods, units_taken
from store_client.order_cli import AsJson, By, Line, Number, Orders, say
from store_client.wave_cli import register_waves
from sync.domain.fulfillment import RefusalReason

if TYPE_CHECKING:
    from store_client.services.desk import Desk
    from sync.domain.fulfillment import FulfillmentOrder
    from sync.transport.http import HttpEndpoint

FLOW = "ship_from_store"
Box = Annotated[int, typer.Option(min=1, help="Which box of the order.")]
Carrier = Annotated[str, typer.Argument(help="The carrier's id, such as swift.")]


def register(app: typer.Typer, line: Line) -> typer.Typer:
    """Mount `ship`, and return it: what takes its payments is mounted there, too."""
    group = typer.Typer(no_args_is_help=True, help="Ship from store: orders, waves, manifests.")
    app.add_typer(group, name="ship")
    orders = Orders(line, (FLOW,), "parcel order", order_document)
    _register_reading(group, line)
    register_goods(group, orders)
    _register_order(group, orders)
    _register_boxes(group, orders)
    _register_carrier(group, orders)
    _register_ends(group, orders)
    _register_offers(group, line)
    register_waves(group, orders, FLOW)
    return group


def _register_reading(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_orders(context: typer.Context, as_json: AsJson = False) -> None:
        """List the open parcel orders, the earliest cut-off first."""
        from store_client.services.open_orders import open_orders

        def read(desk: "Desk") -> list[dict[str, Any]]:
            return [order_document(order) for order in open_orders(desk, FLOW)]

        found = line.with_desk(context, "", read)
        if as_json:
            typer.echo(json.dumps(found))
        for one in () if as_json else found:
            boxes = f"{len(one['boxes'])} boxes"
            typer.echo(f"{one['number']}  {one['status']:12} {one['units_open']:3} open  {boxes}")

    @group.command(epilog=line.epilog)
    def carriers(context: typer.Context, as_json: AsJson = False) -> None:
        """Say when each carrier comes next, and how far its boxes are."""
        from store_client.services.cutoffs import clocks, parcels_of

        def read(desk: "Desk") -> list[dict[str, Any]]:
            found = clocks(desk.store.store_row(), parcels_of(desk), desk.clock.now_ms())
            return [
                {"carrier": one.pickup.carrier, "name": one.pickup.name,
                 "cutoff_ms": one.cutoff_ms, "to_do": one.to_do, "labeled": one.labeled,
                 "listed": one.listed}
                for one in found
            ]  # fmt: skip

        say(line.with_desk(context, "", read), as_json=as_json)


def _register_order(group: typer.Typer, orders: Orders) -> None:
    @group.command(epilog=orders.line.epilog)
    def pack(
        context: typer.Context,
        number: Number,
        by: By,
        weight: Annotated[str, typer.Option(help="Of the box: grams, or 1.25kg.")],
        take: Take = None,
        as_json: AsJson = False,
    ) -> None:
        """Pack what waits of an order into its next box: all of it, or some."""
        from store_client.flows.ship import commands
        from sync.domain.operations import LineQuantity

        some = tuple(LineQuantity(*one) for one in units_taken(take) or ())
        orders.act(
            context, number, by, lambda desk, key: commands.pack(desk, key, weight, some), as_json
        )

    @group.command(epilog=orders.line.epilog)
    def label(
        context: typer.Context,
        number: Number,
        by: By,
        again: Annotated[bool, typer.Option("--again", help="Print what there is again.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Label the next box: by a number that is here, or by asking central."""
        from store_client.flows.ship import commands

        def act(desk: "Desk") -> dict[str, Any]:
            key = orders.key_of(desk, number)
            done = (commands.reprint if again else commands.label)(desk, key)
            return {**orders.document(done.order), "says": done.says}

        say(orders.refusing(context, by, act), as_json=as_json)


def _register_boxes(group: typer.Typer, orders: Orders) -> None:
    epilog = orders.line.epilog

    @group.command("label-by-hand", epilog=epilog)
    def label_by_hand(
        context: typer.Context,
        number: Number,
        by: By,
        box: Box,
        tracking: Annotated[str, typer.Option(help="What is on the label.")],
        as_json: AsJson = False,
    ) -> None:
        """Note the number of a label that was bought otherwise."""
        from store_client.flows.ship import commands

        def act(desk: "Desk", key: str) -> "FulfillmentOrder":
            return commands.label_by_hand(desk, key, box, tracking).order

        orders.act(context, number, by, act, as_json)

    @group.command(epilog=epilog)
    def void(
        context: typer.Context, number: Number, by: By, box: Box, as_json: AsJson = False
    ) -> None:
        """Take the label off a box, or back the request for one."""
        from store_client.flows.ship import commands

        def act(desk: "Desk") -> dict[str, Any]:
            key = orders.key_of(desk, number)
            says = commands.left_on_paper(commands.load(desk, key), box)
            return {**orders.document(commands.void(desk, key, box)), "says": says}

        say(orders.refusing(context, by, act), as_json=as_json)

    @group.command(epilog=epilog)
    def unpack(
        context: typer.Context, number: Number, by: By, box: Box, as_json: AsJson = False
    ) -> None:
        """Empty a box; its label is void."""
        from store_client.flows.ship import commands

        def act(desk: "Desk") -> dict[str, Any]:
            key = orders.key_of(desk, number)
            paper = commands.left_on_paper(commands.load(desk, key), box)
            after = orders.document(commands.unpack(desk, key, box))
            return {**after, "says": f"Box {box} is empty. {paper}".strip()}

        say(orders.refusing(context, by, act), as_json=as_json)


def _register_carrier(group: typer.Typer, orders: Orders) -> None:
    @group.command(epilog=orders.line.epilog)
    def manifest(context: typer.Context, carrier: Carrier, by: By, as_json: AsJson = False) -> None:
        """Put every labeled box of a carrier on its manifest."""
        from store_client.flows.ship import manifests

        done = orders.refusing(context, by, lambda desk: manifests.close(desk, carrier))
        say({"carrier": carrier, "boxes": done.count, "says": done.says}, as_json=as_json)

    @group.command("hand-over", epilog=orders.line.epilog)
    def hand_over(
        context: typer.Context, carrier: Carrier, by: By, as_json: AsJson = False
    ) -> None:
        """Say that the carrier has taken what is on its manifest."""
        from store_client.flows.ship import manifests

        done = orders.refusing(context, by, lambda desk: manifests.hand_over(desk, carrier))
        say({"carrier": carrier, "boxes": done.count, "says": done.says}, as_json=as_json)


def _register_ends(group: typer.Typer, orders: Orders) -> None:
    @group.command(epilog=orders.line.epilog)
    def release(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Release what nobody paid in time."""
        from store_client.services import holds

        orders.act(context, number, by, holds.release, as_json)

    @group.command(epilog=orders.line.epilog)
    def refuse(
        context: typer.Context,
        number: Number,
        by: By,
        reason: Annotated[RefusalReason, typer.Option(help="Why.")],
        as_json: AsJson = False,
    ) -> None:
        """Note that the customer does not want what is to be paid here."""
        from store_client.services import holds

        orders.act(
            context, number, by, lambda desk, key: holds.not_wanted(desk, key, reason), as_json
        )


def _register_offers(group: typer.Typer, line: Line) -> None:
    @group.command("offers", epilog=line.epilog)
    def offers(context: typer.Context, as_json: AsJson = False) -> None:
        """List the orders that this store may claim now. Only central knows: it is asked."""
        found = line.with_central(context, lambda central: central.offers()).offers
        if as_json:
            typer.echo(json.dumps([one.model_dump() for one in found]))
            return
        for one in found:
            wanted = ", ".join(f"{line.quantity} x {line.name} ({line.sku})" for line in one.lines)
            typer.echo(f"{one.number}  until {one.until}  {wanted}")
        if not found:
            typer.echo("Nothing is offered.")

    @group.command("claim", epilog=line.epilog)
    def claim(context: typer.Context, number: Number, as_json: AsJson = False) -> None:
        """Claim an offered order. Of all stores that do, the first gets it; offline, none."""

        def ask(central: "HttpEndpoint") -> dict[str, Any]:
            ids = [one.order_id for one in central.offers().offers if one.number == number]
            won = central.claim(ids[0] if ids else number)
            return {"order_id": won.order_id, "number": won.number}

        won = line.with_central(context, ask)
        if as_json:
            typer.echo(json.dumps(won))
        else:
            typer.echo(f"Order {won['number']} is yours: it is in the queue with the next round.")


def order_document(order: "FulfillmentOrder") -> dict[str, Any]:
    """Return a parcel order as programs get it. Weights in grams, times in ms UTC."""
    from store_client.flows.ship.paying import due_here
    from sync.domain.flows.ship import shipment_of, status_of
    from sync.domain.paying import owed_back

    shipment = shipment_of(order)
    return {
        "id": order.id,
        "number": order.order_number,
        "status": status_of(order).value,
        "ship_by_ms": order.promised_by_ms,
        "units_open": order.total("open"),
        "units_to_pick": order.total("to_pick"),
        "due_minor": due_here(order),
        "owed_back_minor": owed_back(order),
        "pay_until_ms": order.expires_at_ms,
        "carrier": shipment.carrier,
        "service": shipment.service,
        "wave": order.wave.name if order.wave else "",
        "boxes": [
            {"box": box.number, "weight_grams": box.weight_grams, "tracking": box.tracking,
             "label_asked": box.requested_at_ms is not None, "problem": box.problem,
             "manifest": box.manifest, "shipped_at_ms": box.shipped_at_ms}
            for box in shipment.boxes
        ],
    }  # fmt: skip
