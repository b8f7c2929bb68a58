"""The command line's part for versions of rules, of promising or of routing."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central_server.desk_cli import CONFLICT, NOT_FOUND, REFUSED, USAGE, AsJson, By, Limit, Line

if TYPE_CHECKING:
    from central_server.bootstrap import Parts

Version = Annotated[int, typer.Argument(min=1, help="Number of the version.")]
Note = Annotated[str, typer.Option(help="Why, for the record.")]
Reading = Annotated[
    str, typer.Option(help="Which rules you have read: the reading that `show` tells.")
]
Since = Annotated[
    str | None, typer.Option("--from", help="From when on, RFC 3339; by default now.")
]


@dataclass(frozen=True, slots=True)
class Books:
    """Which book of rules a group of commands works on."""

    of: Callable[["Parts"], Any]
    parse: Callable[[str], Any]
    """Returns the rules of a JSON text; raises pydantic's `ValidationError`."""
    nothing: str
    """What is said where there is no version."""


def register_reading(group: typer.Typer, line: Line, books: Books) -> None:
    """Mount `list`, `show` and `audit`."""

    @group.command("list", epilog=line.epilog)
    def list_versions(limit: Limit = 100, as_json: AsJson = False) -> None:
        """List versions of the rules, the newest first."""
        with line.opened() as parts:
            found, _ = books.of(parts).page(None, limit)
        text = "\n".join(head_line(one) for one in found)
        line.say(found, text or books.nothing, as_json=as_json)

    @group.command("show", epilog=line.epilog)
    def show(version: Version, as_json: AsJson = False) -> None:
        """Show a version: its rules, what is wrong with them, and who did what with it."""
        with line.opened() as parts, refusals(line):
            found: dict[str, Any] = books.of(parts).show(version)
        lines = [
            head_line(found),
            f"  reading {found['reading']}",
            *(f"  {_rule(one)}" for one in found["rules"]),
            *findings_lines(found),
        ]
        lines += [f"  {one['at']}  {one['action']} by {one['by']}  {one['note']}".rstrip()
                  for one in found["audit"]]  # fmt: skip
        line.say(found, "\n".join(lines), as_json=as_json)

    @group.command("audit", epilog=line.epilog)
    def audit(limit: Limit = 100, as_json: AsJson = False) -> None:
        """List who drafted, published and archived what, the newest first."""
        with line.opened() as parts:
            found = books.of(parts).audit(limit)
        lines = [
            f"{one['at']}  version {one['version']} {one['action']} by {one['by']}  {one['note']}"
            for one in found
        ]
        line.say(found, "\n".join(lines) or "Nothing was done yet.", as_json=as_json)


def register_drafting(group: typer.Typer, line: Line, books: Books) -> None:
    """Mount `draft`."""

    @group.command("draft", epilog=line.epilog)
    def draft(
        file: Annotated[Path, typer.Argument(help='JSON: {"rules": [...]}; - reads the input.')],
        note: Note = "",
        version: Annotated[int | None, typer.Option(help="Replace this draft instead.")] = None,
        by: By = "command line",
        reading: Reading = "",
        as_json: AsJson = False,
    ) -> None:
        """Make a draft of all rules from a file, and say what is wrong with it.

        Example: central-server promise-rules draft rules.json --by "Kim"
        """
        if reading and version is None:
            line.fail(USAGE, "--reading is of the draft that --version replaces")
        rules = _read(file, line, books)
        with line.opened() as parts, refusals(line):
            book = books.of(parts)
            if version is None:
                made = book.draft(rules, note=note, by=by)
            else:
                made = book.edit(version, rules, note=note, by=by, reading=reading)
        line.say(made, "\n".join([head_line(made), *findings_lines(made)]), as_json=as_json)


def register_publishing(group: typer.Typer, line: Line, books: Books) -> None:
    """Mount `publish`, `archive` and `roll-back`."""

    @group.command("publish", epilog=line.epilog)
    def publish(
        version: Version,
        start: Since = None,
        note: Note = "",
        by: By = "command line",
        reading: Reading = "",
        as_json: AsJson = False,
    ) -> None:
        """Let a draft hold from a moment on; the version before it ends then."""
        at_ms = moment(start, line)
        with line.opened() as parts, refusals(line):
            made = books.of(parts).publish(
                version, effective_from_ms=at_ms, note=note, by=by, reading=reading
            )
        line.say(made, head_line(made), as_json=as_json)

    @group.command("archive", epilog=line.epilog)
    def archive(
        version: Version, note: Note = "", by: By = "command line", as_json: AsJson = False
    ) -> None:
        """End a version now, or throw a draft away."""
        with line.opened() as parts, refusals(line):
            made = books.of(parts).archive(version, note=note, by=by)
        line.say(made, head_line(made), as_json=as_json)

    @group.command("roll-back", epilog=line.epilog)
    def roll_back(
        version: Version, note: Note = "", by: By = "command line", as_json: AsJson = False
    ) -> None:
        """Let an earlier version hold again from now on, as a new version."""
        with line.opened() as parts, refusals(line):
            made = books.of(parts).roll_back(version, note=note, by=by)
        line.say(made, head_line(made), as_json=as_json)


def _read(file: Path, line: Line, books: Books) -> Any:
    from pydantic import ValidationError

    try:
        text = (
            typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8")
        )
        return books.parse(text)
    except OSError as problem:
        line.fail(USAGE, f"{file}: {problem.strerror}")
    except UnicodeError:
        line.fail(USAGE, f"{file} is not UTF-8")
    except ValidationError as problem:
        found = problem.errors()[:10]
        words = (f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found)
        line.fail(USAGE, "\n".join(words))


def moment(text: str | None, line: Line) -> int | None:
    """Return a moment that was typed, in ms; None stays None."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        line.fail(USAGE, f"--from {text!r} is not RFC 3339, as in 2026-11-27T00:00:00-05:00")
    if found.tzinfo is None:
        line.fail(USAGE, f"--from {text!r} names no time zone: end it with Z or -05:00")
    return int(found.timestamp() * 1000)


def head_line(one: dict[str, Any]) -> str:
    """Return what is shown of a version in a list."""
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


def findings_lines(found: dict[str, Any]) -> list[str]:
    """Return what is wrong with a version, a line each."""
    return [f"  ! {one['rule']}.{one['field']}: {one['text']}" for one in found["findings"]]


@contextlib.contextmanager
def refusals(line: Line) -> Iterator[None]:
    """Turn what a use case refuses into a sentence and an exit code."""
    from central_server.services.errors import (
        ChangedSinceRead,
        NeedsApproval,
        NotFound,
        ReadItFirst,
        VersionFixed,
    )
    from sync.domain.errors import DomainError

    try:
        yield
    except NotFound as problem:
        line.fail(NOT_FOUND, str(problem))
    except (NeedsApproval, ReadItFirst, ChangedSinceRead, VersionFixed) as problem:
        line.fail(CONFLICT, str(problem))
    except DomainError as problem:
        line.fail(REFUSED, str(problem))
