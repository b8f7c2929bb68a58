"""The command line's part for waves: several orders of a flow on one walk."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.order_cli import AsJson, By, Number, Orders, say
from sync.domain.fulfillment import ShortReason
from sync.domain.waves import PickMode

if TYPE_CHECKING:
    from store_client.services.desk import Desk
    from store_client.services.waves import Wave, WaveName, WaveScan

Name = Annotated[str, typer.Argument(help="The wave's name, such as T1-0302-1.")]
Sku = Annotated[str, typer.Option(help="SKU or barcode.")]


def register_waves(group: typer.Typer, orders: Orders, flow: str) -> None:
    """Mount what is done with waves of a flow's orders."""
    _register_lists(group, orders, flow)
    _register_walk(group, orders, flow)
    _register_short(group, orders, flow)
    _register_person(group, orders, flow)


def _register_lists(group: typer.Typer, orders: Orders, flow: str) -> None:
    epilog = orders.line.epilog

    @group.command(epilog=epilog)
    def waves(context: typer.Context, as_json: AsJson = False) -> None:
        """List the open waves: who picks them, and what is left."""
        from store_client.services import waves as service
        from store_client.services.open_orders import begun_orders

        def read(desk: "Desk") -> list[dict[str, Any]]:
            found = service.waves_of(begun_orders(desk, flow))
            return [wave_document(service.find(desk, wave.key)) for wave in found]

        say(orders.line.with_desk(context, "", read), as_json=as_json)

    @group.command("pick-list", epilog=epilog)
    def pick_list(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
        """Print the pick list of a wave, in walking order."""
        from store_client.services import waves as service

        def read(desk: "Desk") -> dict[str, Any]:
            return wave_document(service.find(desk, _key(flow, name)))

        say(orders.refusing(context, "", read), as_json=as_json)


def _register_walk(group: typer.Typer, orders: Orders, flow: str) -> None:
    epilog = orders.line.epilog

    @group.command(epilog=epilog)
    def wave(
        context: typer.Context,
        by: By,
        number: Annotated[
            list[str] | None, typer.Option(help="An order of it; all that wait, unless given.")
        ] = None,
        mode: Annotated[
            PickMode, typer.Option(help="Whether units are sorted at once.")
        ] = PickMode.SORT_WHILE_PICK,
        as_json: AsJson = False,
    ) -> None:
        """Start a wave with these orders, or the most urgent ones, and print its pick list."""
        from store_client.services import waves as service

        def act(desk: "Desk") -> dict[str, Any]:
            wanted = tuple(orders.key_of(desk, one) for one in number or ())
            begun = service.start(desk, flow, wanted, mode=mode)
            left_out = {one.number: one.why for one in begun.left_out}
            return {**wave_document(begun), "left_out": left_out}

        document = orders.refusing(context, by, act)
        say(document, as_json=as_json)
        for left, why in document["left_out"].items():
            typer.echo(f"store-client: left out {left}: {why}", err=True)

    @group.command("pick-wave", epilog=epilog)
    def pick_wave(
        context: typer.Context, name: Name, by: By, sku: Sku, as_json: AsJson = False
    ) -> None:
        """Pick one unit in a wave; says its tote."""
        from store_client.services.scanner import read_code
        from store_client.services.waves import scan

        act = _scanning(lambda desk: scan(desk, _key(flow, name), read_code(sku)))
        say(orders.refusing(context, by, act), as_json=as_json)

    @group.command(epilog=epilog)
    def sort(context: typer.Context, name: Name, by: By, sku: Sku, as_json: AsJson = False) -> None:
        """Sort one picked unit of a wave into its tote."""
        from store_client.services.scanner import read_code
        from store_client.services.waves import sort_scan

        act = _scanning(lambda desk: sort_scan(desk, _key(flow, name), read_code(sku)))
        say(orders.refusing(context, by, act), as_json=as_json)


def _register_short(group: typer.Typer, orders: Orders, flow: str) -> None:
    @group.command("none-left", epilog=orders.line.epilog)
    def none_left(
        context: typer.Context,
        name: Name,
        by: By,
        sku: Sku,
        reason: Annotated[ShortReason, typer.Option(help="Why.")],
        as_json: AsJson = False,
    ) -> None:
        """Give an item up in every order of a wave that still wants it."""
        from store_client.services import waves as service
        from store_client.services.scanner import read_code

        def act(desk: "Desk") -> dict[str, Any]:
            key = _key(flow, name)
            return wave_document(service.none_left(desk, key, read_code(sku), reason))

        say(orders.refusing(context, by, act), as_json=as_json)


def _register_person(group: typer.Typer, orders: Orders, flow: str) -> None:
    epilog = orders.line.epilog

    @group.command("take-over", epilog=epilog)
    def take_over(context: typer.Context, name: Name, by: By, as_json: AsJson = False) -> None:
        """Go on with somebody else's wave."""
        from store_client.services import waves as service

        def act(desk: "Desk") -> dict[str, Any]:
            return wave_document(service.take_over(desk, _key(flow, name)))

        say(orders.refusing(context, by, act), as_json=as_json)

    @group.command(epilog=epilog)
    def leave(context: typer.Context, name: Name, by: By, as_json: AsJson = False) -> None:
        """Give back the orders of a wave that are still to be picked."""
        from store_client.services import waves as service

        def act(desk: "Desk") -> dict[str, Any]:
            return {"wave": name, "orders": service.leave(desk, _key(flow, name)).orders}

        say(orders.refusing(context, by, act), as_json=as_json)

    @group.command("leave-wave", epilog=epilog)
    def leave_wave(context: typer.Context, number: Number, by: By, as_json: AsJson = False) -> None:
        """Take one order out of its wave: it is picked alone."""
        from store_client.services import waves as service
        from store_client.services.shelf import load

        orders.act(
            context, number, by, lambda desk, key: service.leave_one(desk, load(desk, key)), as_json
        )


def _key(flow: str, name: str) -> "WaveName":
    from store_client.services.waves import WaveName

    return WaveName(flow, name)


def _scanning(scan: "Callable[[Desk], WaveScan]") -> "Callable[[Desk], dict[str, Any]]":
    def act(desk: "Desk") -> dict[str, Any]:
        done = scan(desk)
        return {"tote": done.tote, "order": done.order.order_number, "says": done.says}

    return act


def wave_document(wave: "Wave") -> dict[str, Any]:
    """Return a wave as programs get it: its pick list, in walking order."""
    return {
        "wave": wave.name,
        "picker": wave.picker,
        "mode": wave.mode.value,
        "totes": {tote.number: tote.order.order_number for tote in wave.totes},
        "to_pick": wave.to_pick,
        "to_sort": wave.to_sort,
        "rows": [
            {"aisle": row.shelf.aisle, "department": row.shelf.department, "sku": row.sku,
             "name": row.name, "to_pick": row.to_pick, "picked": row.picked,
             "totes": dict(row.totes), "to_sort": dict(row.to_sort)}
            for row in wave.rows
        ],
    }  # fmt: skip
