"""The command line's part for how stores share their stock: the rule in force, and a new one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from central_server.desk_cli import NOT_FOUND, USAGE, AsJson, Line

MS_PER_MINUTE = 60_000
STATES = {
    "in_force": "in force", "to_come": "to come", "past": "past", "overruled": "overruled",
}  # fmt: skip
"""`overruled`: what is said of every store, where one has a rule of its own; or it is no store."""


class Mode(StrEnum):
    """Whether a store shares by escrow, and whether its tills may break a promise."""

    OPEN = "open"
    STRICT = "strict"
    OFF = "off"


def register(app: typer.Typer, line: Line) -> None:
    """Mount `escrow`."""
    group = typer.Typer(no_args_is_help=True, help="How stores share their stock with central.")
    app.add_typer(group, name="escrow")
    _register_show(group, line)
    _register_set(group, line)


def _register_show(group: typer.Typer, line: Line) -> None:
    @group.command("show", epilog=line.epilog)
    def show(
        store: Annotated[str, typer.Argument(help="Id of the store.")], as_json: AsJson = False
    ) -> None:
        """Show how a store shares its stock now, what was and will be, and its lease."""
        from central_server.services.errors import UnknownLocation

        with line.opened() as parts:
            try:
                found = parts.central.escrow.show(store)
            except UnknownLocation as problem:
                line.fail(NOT_FOUND, str(problem))
        line.say(found, _table(found), as_json=as_json)


def _register_set(group: typer.Typer, line: Line) -> None:
    @group.command("set", epilog=line.epilog)
    def set_rule(
        store: Annotated[str, typer.Argument(help="Id of the store; * is each without a rule.")],
        mode: Annotated[
            Mode,
            typer.Option(
                help="open: tills are never blocked; strict: a sale over a promise needs a lead;"
                " off: central keeps a fixed floor."
            ),
        ],
        start: Annotated[
            str | None, typer.Option("--from", help="From when on, RFC 3339; by default now.")
        ] = None,
        strict_category: Annotated[
            list[str] | None,
            typer.Option(help="A category that is strict where the store is open; repeat."),
        ] = None,
        lease_minutes: Annotated[
            int, typer.Option(min=1, max=10_080, help="How long central promises unheard.")
        ] = 120,
        confirm_minutes: Annotated[
            int, typer.Option(min=1, max=1_440, help="How long a promise may wait after that.")
        ] = 15,
        service_percent: Annotated[
            int, typer.Option(min=50, max=99, help="How often the floor should be enough.")
        ] = 95,
        as_json: AsJson = False,
    ) -> None:
        """Let a store share its stock otherwise from a moment on. Rules before it are kept.

        A rule is whole: what is not named here has its default, whatever held before.

        Example: central-server escrow set S001 --mode open --strict-category Wine
        --from 2026-11-27T00:00:00-05:00
        """
        given = {
            "effective_from": _moment(start, line),
            "enabled": mode is not Mode.OFF,
            "strict": mode is Mode.STRICT,
            "strict_categories": _categories(mode, strict_category or [], line),
            "lease_minutes": lease_minutes,
            "confirm_minutes": confirm_minutes,
            "service_percent": service_percent,
        }
        made = _add(store, given, line)
        line.say(made, f"{store}: {_rule(made)}", as_json=as_json)


def _add(store: str, given: dict[str, Any], line: Line) -> dict[str, Any]:
    from pydantic import ValidationError

    from central_server.api.escrow_schemas import EscrowBody
    from central_server.services.errors import NotAStore, UnknownLocation

    try:
        body = EscrowBody(**given)
    except ValidationError as problem:
        found = problem.errors()
        line.fail(USAGE, "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in found))
    with line.opened() as parts:
        try:
            return parts.central.escrow.add(body.rule(store, parts.clock.now_ms()))
        except UnknownLocation as problem:
            line.fail(NOT_FOUND, str(problem))
        except NotAStore as problem:
            line.fail(USAGE, str(problem))


def _moment(text: str | None, line: Line) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        line.fail(USAGE, f"--from {text!r} is not RFC 3339, as in 2026-11-27T00:00:00-05:00")
    if moment.tzinfo is None:
        line.fail(USAGE, f"--from {text!r} names no time zone: end it with Z or -05:00")
    return moment


def _categories(mode: Mode, names: list[str], line: Line) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(name.strip() for name in names))
    if not all(kept):
        line.fail(USAGE, "--strict-category names no category")
    if kept and mode is Mode.STRICT:
        line.fail(USAGE, "with --mode strict every category is strict already")
    if kept and mode is Mode.OFF:
        line.fail(USAGE, "with --mode off nothing is shared, hence no category is strict")
    return kept


def _table(found: dict[str, Any]) -> str:
    lines = [f"{found['location_id']} {_policy(found['policy'])}"]
    if found["policy"]["enabled"]:
        until = found["lease_until"] or "none yet"
        may = "central may promise" if found["may_promise"] else "central promises nothing"
        lines.append(f"generation {found['generation']}, lease until {until}: {may}")
    for one in found["rules"]:
        scope = "all stores" if one["location_id"] == "*" else one["location_id"]
        lines.append(f"  {STATES[one['state']]:9}  {scope:10}  {_rule(one)}")
    return "\n".join(lines)


def _rule(rule: dict[str, Any]) -> str:
    return (
        f"from {rule['effective_from']}: {_policy(rule['policy'])},"
        f" service {rule['service_percent']} %"
    )


def _policy(policy: dict[str, Any]) -> str:
    if not policy["enabled"]:
        return "does not share by escrow"
    mode = "strict" if policy["strict"] else "open"
    if policy["strict_categories"]:
        mode += f"; strict: {', '.join(policy['strict_categories'])}"
    lease, confirm = policy["lease_ms"] // MS_PER_MINUTE, policy["confirm_ms"] // MS_PER_MINUTE
    return f"shares by escrow, {mode}; lease {lease} min, confirmed within {confirm} min"
