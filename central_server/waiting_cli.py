"""The command line's part for orders that are not with a location: waiting, and unfillable."""

from typing import Annotated, Any

import typer

from central_server.desk_cli import USAGE, AsJson, By, Limit, Line
from central_server.rule_cli import refusals

OrderArgument = Annotated[str, typer.Argument(help="Id of the order.")]
NoteOption = Annotated[str, typer.Option(help="What was found out.")]


def register(app: typer.Typer, line: Line) -> None:
    """Mount `waiting` and `unfillable`."""
    waiting = typer.Typer(no_args_is_help=True, help="Orders that no location has yet, and why.")
    unfillable = typer.Typer(no_args_is_help=True, help="Orders that nobody can fill.")
    app.add_typer(waiting, name="waiting")
    app.add_typer(unfillable, name="unfillable")
    _register_waiting(waiting, line)
    _register_list(unfillable, line)
    _register_settling(unfillable, line)


def _register_waiting(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_waiting(
        kind: Annotated[str | None, typer.Option(help="Only those held for this.")] = None,
        limit: Limit = 100,
        as_json: AsJson = False,
    ) -> None:
        """List orders that wait, the oldest first."""
        with line.opened() as parts:
            found = parts.central.waiting.page(kind, limit)
        lines = [
            f"{one['order_id']}  {one['number']}  {one['kind']:8} {one['text']}"
            + (f" Until {one['until']}." if one["until"] else "")
            for one in found
        ]
        line.say(found, "\n".join(lines) or "No order waits.", as_json=as_json)

    @group.command("clear", epilog=line.epilog)
    def clear(
        order: OrderArgument,
        kind: Annotated[str, typer.Argument(help="fraud, address, payment, manual or grace.")],
        note: NoteOption = "",
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """End a hold; with the last one the order is routed. Repeating it is harmless."""
        with line.opened() as parts, refusals(line):
            done = parts.central.waiting.clear(order, _kind(kind, line), note=note, by=by)
        _say(line, done, as_json=as_json)

    @group.command("hold", epilog=line.epilog)
    def hold(
        order: OrderArgument,
        kind: Annotated[str, typer.Argument(help="fraud, address, payment or manual.")],
        note: NoteOption = "",
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Keep an order that waits for one reason more."""
        with line.opened() as parts, refusals(line):
            done = parts.central.waiting.hold(order, _kind(kind, line), text=note, by=by)
        _say(line, done, as_json=as_json)


def _register_list(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_unfillable(limit: Limit = 100, as_json: AsJson = False) -> None:
        """List orders with units that nobody carries, the oldest first."""
        with line.opened() as parts:
            found: list[Any] = list(parts.central.unfillable.page(limit))
        lines = [
            f"{one['order_id']}  {one['number']}  line {part['line']}:"
            f" {part['unsourced']} x {part['sku']}"
            for one in found
            for part in one["lines"]
        ]
        line.say(found, "\n".join(lines) or "Every order is carried.", as_json=as_json)


def _register_settling(group: typer.Typer, line: Line) -> None:
    @group.command("route-again", epilog=line.epilog)
    def route_again(order: OrderArgument, by: By = "command line", as_json: AsJson = False) -> None:
        """Route what nobody carries, as stock and rules are now."""
        with line.opened() as parts, refusals(line):
            done = parts.central.unfillable.route_again(order, by=by)
        _say(line, done, as_json=as_json)

    @group.command("substitute", epilog=line.epilog)
    def substitute(
        order: OrderArgument,
        line_number: Annotated[int, typer.Argument(min=1, help="Which line.")],
        sku: Annotated[str, typer.Argument(help="What is sent instead.")],
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Send another product instead, at the line's price; the customer has agreed."""
        with line.opened() as parts, refusals(line):
            done = parts.central.unfillable.substitute(order, line_number, sku, by=by)
        _say(line, done, as_json=as_json)

    @group.command("cancel", epilog=line.epilog)
    def cancel(
        order: OrderArgument,
        line_number: Annotated[int | None, typer.Option("--line", min=1, help="Only this.")] = None,
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Give up what nobody has; the rest of the order goes on."""
        lines = None if line_number is None else frozenset({line_number})
        with line.opened() as parts, refusals(line):
            done = parts.central.unfillable.cancel(order, lines, by=by)
        _say(line, done, as_json=as_json)

    @group.command("back-order", epilog=line.epilog)
    def back_order(order: OrderArgument, by: By = "command line", as_json: AsJson = False) -> None:
        """Let it wait for goods that are on their way."""
        with line.opened() as parts, refusals(line):
            done = parts.central.unfillable.back_order(order, by=by)
        _say(line, done, as_json=as_json)


def _kind(name: str, line: Line) -> Any:
    from central_server.sourcing.routing_rules import HoldKind

    try:
        return HoldKind(name)
    except ValueError:
        line.fail(USAGE, f"{name!r}: kinds are {', '.join(one.value for one in HoldKind)}")


def _say(line: Line, done: Any, *, as_json: bool) -> None:
    places = ", ".join(one["location_id"] for one in done["fulfillments"]) or "nobody"
    line.say(done, f"Order {done['number']} is {done['status']}; {places} has it.", as_json=as_json)
