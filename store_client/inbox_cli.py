"""The command line's part for follow-ups: what waits for people of the store."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from store_client.order_cli import NOT_FOUND, AsJson, By, Line, say
from store_client.order_cli import Orders as Refusing

if TYPE_CHECKING:
    from collections.abc import Callable

    from store_client.ports import InboxItem
    from store_client.services.desk import Desk

Key = Annotated[str, typer.Argument(help="Its id, as `inbox list` says.")]
Owner = Annotated[str, typer.Option("--for", help="A person (name or number) or a role.")]


def register(app: typer.Typer, line: Line) -> None:
    """Mount `inbox`."""
    group = typer.Typer(no_args_is_help=True, help="Follow-ups: list, write down, assign, done.")
    app.add_typer(group, name="inbox")
    refusing = Refusing(line, (), "task", lambda _: {}).refusing

    @group.command("list", epilog=line.epilog)
    def list_tasks(context: typer.Context, as_json: AsJson = False) -> None:
        """List what waits for people of this store, the most urgent first."""

        def read(desk: "Desk") -> list[dict[str, Any]]:
            return [_document(item) for item in desk.store.exceptions()]

        say(line.with_desk(context, "", read), as_json=as_json)

    @group.command(epilog=line.epilog)
    def add(
        context: typer.Context,
        text: Annotated[str, typer.Argument(help="What is to be done.")],
        by: By,
        about: Annotated[str, typer.Option(help="An order's number, a SKU or a barcode.")] = "",
        hours: Annotated[int, typer.Option(min=1, help="Due in so many hours.")] = 24,
        owner: Owner = "",
        as_json: AsJson = False,
    ) -> None:
        """Write down what is to be done, until when and by whom; works offline."""
        from store_client.services import inbox

        def act(desk: "Desk") -> dict[str, Any]:
            wish = inbox.FollowUp(text, about, hours, owner)
            return _one(desk, inbox.write_down(desk, wish), line)

        say(refusing(context, by, act), as_json=as_json)

    _register_course(group, line, refusing)


def _register_course(group: typer.Typer, line: Line, refusing: "Callable[..., Any]") -> None:
    @group.command(epilog=line.epilog)
    def assign(
        context: typer.Context, key: Key, by: By, owner: Owner = "", as_json: AsJson = False
    ) -> None:
        """Give a task to a person or a role; without --for it is anybody's again."""
        from store_client.services import inbox

        def act(desk: "Desk") -> dict[str, Any]:
            inbox.assign(desk, key, owner)
            return _one(desk, key, line)

        say(refusing(context, by, act), as_json=as_json)

    @group.command(epilog=line.epilog)
    def done(
        context: typer.Context,
        key: Key,
        note: Annotated[str, typer.Argument(help="What was done.")],
        by: By,
        as_json: AsJson = False,
    ) -> None:
        """Say that a task is done, and what was done."""
        from store_client.services import inbox

        def act(desk: "Desk") -> dict[str, Any]:
            inbox.resolve(desk, key, note)
            return _one(desk, key, line)

        say(refusing(context, by, act), as_json=as_json)


def _one(desk: "Desk", key: str, line: Line) -> dict[str, Any]:
    found = next((item for item in desk.store.exceptions() if item.id == key), None)
    if found is None:
        line.fail(NOT_FOUND, f"no task {key!r} here")
    return _document(found)


def _document(item: "InboxItem") -> dict[str, Any]:
    """Return a task as programs get it. Times in ms UTC."""
    return {
        "id": item.id, "kind": item.kind, "text": item.text, "order_number": item.order_number,
        "for": item.assignee, "owner": item.owner, "opened_ms": item.opened_ms,
        "due_ms": item.due_ms, "is_done": item.is_done, "note": item.note,
    }  # fmt: skip
