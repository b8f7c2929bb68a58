"""The command line's part for rules of promising: versions, and what they would change."""

from typing import Annotated, Any

import typer

from central_server.desk_cli import AsJson, Line
from central_server.rule_cli import (
    Books,
    Since,
    Version,
    findings_lines,
    moment,
    refusals,
    register_drafting,
    register_publishing,
    register_reading,
)
from central_server.sourcing.promise_rules import Method
from sync.domain.orders import Channel


def register(app: typer.Typer, line: Line) -> None:
    """Mount `promise-rules`."""
    group = typer.Typer(no_args_is_help=True, help="Rules of what central may promise.")
    app.add_typer(group, name="promise-rules")
    nothing = "There are no rules: imported safety stock holds."
    books = Books(lambda parts: parts.central.promise_rules, _parse, nothing)
    register_reading(group, line, books)
    register_drafting(group, line, books)
    _register_preview(group, line)
    register_publishing(group, line, books)


def _parse(text: str) -> Any:
    from central_server.api.promise_schemas import RulesBody

    return RulesBody.model_validate_json(text).values()


def _register_preview(group: typer.Typer, line: Line) -> None:
    @group.command("preview", epilog=line.epilog)
    def preview(
        version: Version,
        channel: Annotated[Channel, typer.Option(help="Sales channel.")] = Channel.WEB,
        method: Annotated[Method, typer.Option(help="pickup or ship.")] = Method.PICKUP,
        start: Since = None,
        as_json: AsJson = False,
    ) -> None:
        """Say what would change if a version were published: SKUs, units, stores."""
        from central_server.services.promises import Ask

        at_ms = moment(start, line)
        with line.opened() as parts, refusals(line):
            found = parts.central.promise_preview.preview(
                version, at_ms=at_ms, ask=Ask(channel.value, method.value)
            )
        line.say(found, _changes(found), as_json=as_json)


def _changes(found: dict[str, Any]) -> str:
    units = found["units_after"] - found["units_before"]
    summary = (
        f"Instead of version {found['in_force']}, from {found['at']}: {units:+d} units"
        f" ({found['units_before']} to {found['units_after']}), {found['skus_changed']} SKUs and"
        f" {found['stores_changed']} stores change ({found['channel']}, {found['method']})."
    )
    lines = [summary, *findings_lines(found)]
    lines += [f"  {title}: {', '.join(names)}" for title, names in found["rules"].items() if names]
    lines += [f"  {one['sku']}: {one['before']} to {one['after']}" for one in found["skus"][:20]]
    lines += [f"  {one['location_id']}: {one['before']} to {one['after']}"
              for one in found["stores"][:20]]  # fmt: skip
    if found["skus_left_out"]:
        lines.append(f"  {found['skus_left_out']} more SKUs were not looked at.")
    return "\n".join(lines)
