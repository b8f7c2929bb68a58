"""The command line's part for routing: versions of its rules, trials, and why orders went where."""

from pathlib import Path
from typing import Annotated, Any

import typer

from central_server.desk_cli import USAGE, AsJson, Line
from central_server.rule_cli import (
    Books,
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


def read_order(file: Path, line: Line) -> Any:
    """Return the order of a file, as the API would take it."""
    from pydantic import ValidationError

    from central_server.api.schemas import OrderBody

    try:
        stdin = typer.get_text_stream("stdin")
        text = stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return OrderBody.model_validate_json(text).value()
    except OSError as problem:
        line.fail(USAGE, f"{file}: {problem.strerror}")
    except ValidationError as problem:
        found = problem.errors()[:10]
        words = (f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found)
        line.fail(USAGE, "\n".join(words))
