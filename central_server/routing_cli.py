"""The command line's part for routing: versions of its rules, trials, and why orders went where."""

from pathlib import Path
from typing import Annotated, Any

import typer

from central_server.desk_cli import REFUSED, USAGE, AsJson, Line
from central_server.rule_cli import (
    Books,
    moment,
    refusals,
    register_drafting,
    register_publishing,
    register_reading,
)

VersionOption = Annotated[
    int | None, typer.Option("--version", min=1, help="By the rules of this version, draft or not.")
]


def register(app: typer.Typer, line: Line) -> None:
    """Mount `routing-rules` and `routing`."""
    rules = typer.Typer(no_args_is_help=True, help="Rules of how orders are routed.")
    app.add_typer(rules, name="routing-rules")
    nothing = "There are no rules: every order is routed by the default."
    books = Books(lambda parts: parts.central.routing_rules, _parse, nothing)
    register_reading(rules, line, books)
    register_drafting(rules, line, books)
    register_publishing(rules, line, books)
    group = typer.Typer(no_args_is_help=True, help="Where orders go, and why.")
    app.add_typer(group, name="routing")
    _register_asking(group, line)
    _register_simulation(group, line)
    _register_learning(group, line)


def _parse(text: str) -> Any:
    from central_server.api.routing_rule_schemas import RoutingRulesBody

    return RoutingRulesBody.model_validate_json(text).values()


def _register_asking(group: typer.Typer, line: Line) -> None:
    @group.command("why", epilog=line.epilog)
    def why(
        order: Annotated[str, typer.Argument(help="Id or number of the order.")],
        as_json: AsJson = False,
    ) -> None:
        """Say why an order went where it went, and what the next best choice would have cost."""
        with line.opened() as parts, refusals(line):
            found = parts.central.routing.why(order)
        lines = [
            f"{one['at']}  {one['why']} (version {one['rule_version']}): {one['sentence']}"
            for one in found["decisions"]
        ]
        line.say(found, "\n".join(lines) or str(found["sentence"]), as_json=as_json)

    @group.command("capacity", epilog=line.epilog)
    def capacity(as_json: AsJson = False) -> None:
        """List what is taken of each part of the day that rules limit."""
        with line.opened() as parts:
            found = parts.central.routing.capacity()
        lines = [
            f"{one['location_id']}  {one['from']} to {one['until']}  "
            + "  ".join(
                f"{name} {one[name]['taken']} of {one[name]['limit']}"
                for name in ("orders", "units", "labor_seconds")
                if one[name]["limit"] is not None
            )
            for one in found
        ]
        line.say(found, "\n".join(lines) or "No rule limits what stores take.", as_json=as_json)

    @group.command("dry-run", epilog=line.epilog)
    def dry_run(
        file: Annotated[Path, typer.Argument(help="JSON as for POST /v1/orders; - reads stdin.")],
        version: VersionOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Say where an order would go now. Nothing is reserved.

        Example: central-server routing dry-run order.json --version 3
        """
        new = read_order(file, line)
        with line.opened() as parts, refusals(line):
            found = parts.central.routing.dry_run(new, version)
        lines = [str(found["sentence"])]
        lines += [
            f"  {one['location_id']}: {one['finding']}, {one['distance_km']} km"
            for one in found["candidates"][:20]
        ]
        line.say(found, "\n".join(lines), as_json=as_json)


def _register_learning(group: typer.Typer, line: Line) -> None:
    @group.command("learn", epilog=line.epilog)
    def learn(as_json: AsJson = False) -> None:
        """Learn now how often units are found, and what they are worth for orders to come."""
        from central_server.sourcing.engine.highs import OptimizerFailed, OptimizerMissing

        with line.opened() as parts:
            rates = parts.learning.run()
            try:
                prices = parts.unit_prices.run()
            except (OptimizerMissing, OptimizerFailed) as problem:
                line.fail(REFUSED, f"{rates} rates changed; no prices: {problem}")
            dearest = parts.unit_prices.show(20)
        document = {"rates_changed": rates, "prices": prices, "dearest": dearest}
        lines = [f"{rates} rates changed; {prices} units have a price for orders to come."]
        lines += [f"  {one['location_id']} {one['sku']}: {one['dual_minor']}" for one in dearest]
        line.say(document, "\n".join(lines), as_json=as_json)


def _register_simulation(group: typer.Typer, line: Line) -> None:
    @group.command("simulate", epilog=line.epilog)
    def simulate(
        start: Annotated[str, typer.Option("--from", help="Orders placed from then on, RFC 3339.")],
        end: Annotated[str, typer.Option("--until", help="Orders placed before then.")],
        version: VersionOption = None,
        as_json: AsJson = False,
    ) -> None:
        """Say what rules would have done with past parcel orders, beside what happened.

        Example: central-server routing simulate --from 2026-11-01T00:00:00Z
        --until 2026-11-15T00:00:00Z --version 3
        """
        from_ms, until_ms = moment(start, line), moment(end, line)
        assert from_ms is not None
        assert until_ms is not None
        with line.opened() as parts, refusals(line):
            found = parts.central.simulation.run(version, from_ms=from_ms, until_ms=until_ms)
        line.say(found, _report(found), as_json=as_json)


_ROWS = (
    ("cost (minor units)", "cost_minor"), ("cost of a unit", "cost_minor_per_unit"),
    ("parcels", "parcels"), ("split orders", "split_orders"), ("days to arrival", "days_mean"),
    ("units shipped", "units_shipped"), ("units stocked out", "units_stocked_out"),
    ("promises kept %", "promises_kept_percent"),
)  # fmt: skip


def _report(found: dict[str, Any]) -> str:
    """Return both sides as a table."""
    heading = f"{found['orders']} orders, version {found['version']};"
    heading += f" {found['orders_elsewhere']} would have gone elsewhere."
    lines = [heading, f"{'':20}{'happened':>14}{'simulated':>14}{'difference':>14}"]
    for title, name in _ROWS:
        values = (found["happened"][name], found["simulated"][name], found["difference"][name])
        lines.append(f"{title:20}" + "".join(f"{value:>14}" for value in values))
    if found["orders_left_out"]:
        lines.append(f"{found['orders_left_out']} orders were left out.")
    return "\n".join([*lines, str(found["difference"]["sentence"])])


def read_order(file: Path, line: Line) -> Any:
    """Return the order of a file, as the API would take it."""
    from pydantic import ValidationError

    from central_server.api.order_bodies import OrderBody

    try:
        stdin = typer.get_text_stream("stdin")
        text = stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return OrderBody.model_validate_json(text).value()
    except OSError as problem:
        line.fail(USAGE, f"{file}: {problem.strerror}")
    except UnicodeError:
        line.fail(USAGE, f"{file} is not UTF-8")
    except ValidationError as problem:
        found = problem.errors()[:10]
        words = (f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found)
        line.fail(USAGE, "\n".join(words))
