"""The command line's part for rules of promising: draft, preview, publish, archive, audit."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from central_server.desk_cli import CONFLICT, NOT_FOUND, REFUSED, USAGE, AsJson, By, Limit, Line

Version = Annotated[int, typer.Argument(min=1, help="Number of the version.")]
Note = Annotated[str, typer.Option(help="Why, for the record.")]
Since = Annotated[
    str | None, typer.Option("--from", help="From when on, RFC 3339; by default now.")
]


def register(app: typer.Typer, line: Line) -> None:
    """Mount `promise-rules`."""
    group = typer.Typer(no_args_is_help=True, help="Rules of what central may promise.")
    app.add_typer(group, name="promise-rules")
    _register_reading(group, line)
    _register_drafting(group, line)
    _register_publishing(group, line)


def _register_reading(group: typer.Typer, line: Line) -> None:
    @group.command("list", epilog=line.epilog)
    def list_versions(limit: Limit = 100, as_json: AsJson = False) -> None:
        """List versions of the rules, the newest first."""
        with line.opened() as parts:
            found, _ = parts.central.promise_rules.page(None, limit)
        text = "\n".join(_head(one) for one in found)
        line.say(found, text or "There are no rules: imported safety stock holds.", as_json=as_json)

    @group.command("show", epilog=line.epilog)
    def show(version: Version, as_json: AsJson = False) -> None:
        """Show a version: its rules, what is wrong with them, and who did what with it."""
        with line.opened() as parts, _refusals(line):
            found: dict[str, Any] = parts.central.promise_rules.show(version)
        lines = [_head(found), *(f"  {_rule(one)}" for one in found["rules"]), *_findings(found)]
        lines += [f"  {one['at']}  {one['action']} by {one['by']}  {one['note']}".rstrip()
                  for one in found["audit"]]  # fmt: skip
        line.say(found, "\n".join(lines), as_json=as_json)

    @group.command("audit", epilog=line.epilog)
    def audit(limit: Limit = 100, as_json: AsJson = False) -> None:
        """List who drafted, published and archived what, the newest first."""
        with line.opened() as parts:
            found = parts.central.promise_rules.audit(limit)
        lines = [
            f"{one['at']}  version {one['version']} {one['action']} by {one['by']}  {one['note']}"
            for one in found
        ]
        line.say(found, "\n".join(lines) or "Nothing was done yet.", as_json=as_json)


def _register_drafting(group: typer.Typer, line: Line) -> None:
    @group.command("draft", epilog=line.epilog)
    def draft(
        file: Annotated[Path, typer.Argument(help='JSON: {"rules": [...]}; - reads the input.')],
        note: Note = "",
        version: Annotated[int | None, typer.Option(help="Replace this draft instead.")] = None,
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Make a draft of all rules from a file, and say what is wrong with it.

        Example: echo '{"rules": [{"id": "keep-one", "kind": "safety_stock", "units": 1}]}' |
        central-server promise-rules draft -
        """
        rules = _read(file, line)
        with line.opened() as parts, _refusals(line):
            book = parts.central.promise_rules
            if version is None:
                made = book.draft(rules, note=note, by=by)
            else:
                made = book.edit(version, rules, note=note, by=by)
        line.say(made, "\n".join([_head(made), *_findings(made)]), as_json=as_json)

    @group.command("preview", epilog=line.epilog)
    def preview(
        version: Version,
        channel: Annotated[str, typer.Option(help="Sales channel.")] = "web",
        method: Annotated[str, typer.Option(help="pickup or ship.")] = "pickup",
        start: Since = None,
        as_json: AsJson = False,
    ) -> None:
        """Say what would change if a version were published: SKUs, units, stores."""
        from central_server.services.promises import Ask

        at_ms = _moment(start, line)
        with line.opened() as parts, _refusals(line):
            found = parts.central.promise_preview.preview(
                version, at_ms=at_ms, ask=Ask(channel, method)
            )
        line.say(found, _changes(found), as_json=as_json)


def _register_publishing(group: typer.Typer, line: Line) -> None:
    @group.command("publish", epilog=line.epilog)
    def publish(
        version: Version,
        start: Since = None,
        note: Note = "",
        by: By = "command line",
        as_json: AsJson = False,
    ) -> None:
        """Let a draft hold from a moment on; the version before it ends then."""
        at_ms = _moment(start, line)
        with line.opened() as parts, _refusals(line):
            made = parts.central.promise_rules.publish(
                version, effective_from_ms=at_ms, note=note, by=by
            )
        line.say(made, _head(made), as_json=as_json)

    @group.command("archive", epilog=line.epilog)
    def archive(
        version: Version, note: Note = "", by: By = "command line", as_json: AsJson = False
    ) -> None:
        """End a version now, or throw a draft away."""
        with line.opened() as parts, _refusals(line):
            made = parts.central.promise_rules.archive(version, note=note, by=by)
        line.say(made, _head(made), as_json=as_json)


def _read(file: Path, line: Line) -> Any:
    from pydantic import ValidationError

    from central_server.api.promise_schemas import RulesBody

    try:
        text = (
            typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8")
        )
        return RulesBody.model_validate_json(text).values()
    except OSError as problem:
        line.fail(USAGE, f"{file}: {problem.strerror}")
    except ValidationError as problem:
        found = problem.errors()[:10]
        words = (f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found)
        line.fail(USAGE, "\n".join(words))


def _moment(text: str | None, line: Line) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        line.fail(USAGE, f"--from {text!r} is not RFC 3339, as in 2026-11-27T00:00:00-05:00")
    if moment.tzinfo is None:
        line.fail(USAGE, f"--from {text!r} names no time zone: end it with Z or -05:00")
    return int(moment.timestamp() * 1000)


def _head(one: dict[str, Any]) -> str:
    when = f"from {one['effective_from']}" if one["effective_from"] else f"by {one['created_by']}"
    until = f" until {one['effective_until']}" if one["effective_until"] else ""
    force = ", in force" if one["in_force"] else ""
    return (
        f"version {one['version']}  {one['state']}{force}  {one['rule_count']} rules"
        f"  {when}{until}  {one['note']}"
    ).rstrip()


def _rule(rule: dict[str, Any]) -> str:
    rest = {name: value for name, value in rule.items() if name not in {"id", "kind"}}
    return f"{rule['id']}: {rule['kind']} {json.dumps(rest)}"


def _findings(found: dict[str, Any]) -> list[str]:
    return [f"  ! {one['rule']}.{one['field']}: {one['text']}" for one in found["findings"]]


def _changes(found: dict[str, Any]) -> str:
    units = found["units_after"] - found["units_before"]
    summary = (
        f"Instead of version {found['in_force']}, from {found['at']}: {units:+d} units"
        f" ({found['units_before']} to {found['units_after']}), {found['skus_changed']} SKUs and"
        f" {found['stores_changed']} stores change ({found['channel']}, {found['method']})."
    )
    lines = [summary, *_findings(found)]
    lines += [f"  {title}: {', '.join(names)}" for title, names in found["rules"].items() if names]
    lines += [f"  {one['sku']}: {one['before']} to {one['after']}" for one in found["skus"][:20]]
    lines += [f"  {one['location_id']}: {one['before']} to {one['after']}"
              for one in found["stores"][:20]]  # fmt: skip
    if found["skus_left_out"]:
        lines.append(f"  {found['skus_left_out']} more SKUs were not looked at.")
    return "\n".join(lines)


@contextlib.contextmanager
def _refusals(line: Line) -> Iterator[None]:
    """Turn what a use case refuses into a sentence and an exit code."""
    from central_server.services.errors import NotFound, VersionFixed
    from sync.domain.errors import DomainError

    try:
        yield
    except NotFound as problem:
        line.fail(NOT_FOUND, str(problem))
    except VersionFixed as problem:
        line.fail(CONFLICT, str(problem))
    except DomainError as problem:
        line.fail(REFUSED, str(problem))
