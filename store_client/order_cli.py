"""What the command lines of flows share: an order by its number, refusals, printing."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sync.domain.errors import OperationRefused
from sync.edge.sqlite import Error

if TYPE_CHECKING:
    from store_client.replica.store import Store
    from store_client.services.desk import Desk
    from sync.domain.fulfillment import FulfillmentOrder
    from sync.transport.http import HttpEndpoint

FAILURE, USAGE, NOT_FOUND, REFUSED, TRY_LATER = 1, 2, 3, 4, 75
NAMESAKES_MAX = 50
SHOWN_CHARACTERS_MAX = 40
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def _somebody(by: str) -> str:
    if not by.strip():
        raise typer.BadParameter("say who does it: their number")
    return by


By = Annotated[
    str,
    typer.Option(
        "--by", help="Who does it: their number; PIN from HOLDSHELF_PIN, or asked.",
        callback=_somebody,
    ),
]  # fmt: skip
Number = Annotated[str, typer.Argument(help="The order's number, such as K7Q2-9ZXM.")]


@dataclass(frozen=True, slots=True)
class Line:
    """What these commands need of the command line."""

    with_desk: "Callable[[typer.Context, str, Callable[[Desk], Any]], Any]"
    """(context, associate, what to do) -> its result; an empty associate may only read.

    An associate signs in by PIN first; raises `Refusal`.
    """
    fail: Callable[[int, str], NoReturn]
    epilog: str
    with_central: "Callable[[typer.Context, Callable[[HttpEndpoint], Any]], Any]"
    """(context, what to ask central now) -> its answer; ends the program where there is none."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of some flows, on one command line."""

    line: Line
    flows: Sequence[str]
    what: str
    """What one is called, such as `pickup order`."""
    document: "Callable[[FulfillmentOrder], dict[str, Any]]"

    def act(
        self,
        context: typer.Context,
        number: str,
        by: str,
        act: "Callable[[Desk, str], FulfillmentOrder]",
        as_json: bool,
    ) -> None:
        """Do something with the order of this number and print it."""

        def on_it(desk: "Desk") -> dict[str, Any]:
            return self.document(act(desk, self.key_of(desk, number)))

        say(self.refusing(context, by, on_it), as_json=as_json)

    def key_of(self, desk: "Desk", number: str) -> str:
        """Return the id of the order of this number, or end with its exit code."""
        return one_order(desk, number, self.flows, self.what, self.line.fail).id

    def refusing(self, context: typer.Context, by: str, act: "Callable[[Desk], Any]") -> Any:
        """Do something at the desk; a refusal ends with its exit code."""
        try:
            return self.line.with_desk(context, by, act)
        except OperationRefused as problem:
            self.line.fail(REFUSED, refusal_words(problem))


INSTEAD_BY_COMMAND = {
    "doubtful_promise": "Call there if you can. A lead or manager says --despite-doubt.",
    "held_by_other": "--take-over goes on with it.",
    "picked_in_wave": "`take-over` takes the wave over, `leave-wave` takes the order out of it.",
}
"""What to do instead, by what was refused, where it is a key at the terminal but an option here."""
INSTEAD_OF_KEYS = {
    "Open it first: F8 on Today.": "Open it first: `drawer open`.",
    "Ask the payment terminal again first: F5.": "Ask the terminal again first: `ask-card`.",
    "F5 asks the terminal again": "`ask-card` asks the terminal again",
    "^Z takes that out of the payment;": "`give-back` takes that out of the payment;",
    "^Z takes that payment out;": "`give-back` takes that payment out;",
    "or give a payment back: ^Z.": "or give a payment back: `give-back`.",
    "Take it out of the payment: ^Z on its row.": "Take it out of the payment: `give-back`.",
    "Give it back again once it answers: ^Z.": "Give it back again once it answers: `give-back`"
    "; where it never will, with `--made-sure`.",
    "Give it back there: ^Z.": "Give it back there: `give-back`"
    "; where it is gone, with `--made-sure`.",
    "Give that payment back there: ^Z.": "Give that payment back there: `give-back`.",
    "Enter hands it over.": "`sell` hands it over.",
    "Take the payment first: F7 at the order.": "Take the payment first: `pay`.",
    "F6 sorts.": "`sort` sorts.",
    "Sort them first: F6.": "Sort them first: `sort`.",
    "F6 says that somebody does.": "`arrived` says that somebody does.",
    "Ask one to type their number and PIN here.": "One of them does it: their number with --by.",
    "Ask an associate to sign in and do this.": "An associate does it: their number with --by.",
    "See the next step at the top.": "See how it stands: `list`.",
    "See what is due at the top.": "See what is due: `list`.",
    "Choose a payment from the list.": "See its payments: `list --json`.",
    "See what happened: Ctrl+T.": "",
    "Choose a line from the list.": "Its lines count from 1.",
    "Go back to Today.": "",
}
"""Sentences that name a key or a screen, as a command line says them."""


@contextmanager
def recording(store: "Store", fail: Callable[[int, str], NoReturn]) -> Iterator[None]:
    """Say so where the block cannot be recorded, as on a full disk, and end with an exit code.

    75: nothing is recorded, it can be done again. 1: something is, so look first. What other
    terminals of the store record meanwhile counts as that, too: the careful answer.
    """
    before = store.journal.head()
    try:
        yield
    except (Error, OSError) as problem:
        if store.journal.head() != before:
            todo = "A part of it may be recorded: look before you do it again."
            fail(FAILURE, f"NOT all recorded: {problem}. {todo}")
        todo = "Make room on the disk and do it again; if it stays, tell support."
        fail(TRY_LATER, f"NOT recorded: {problem}. {todo}")


def without_keys(text: str) -> str:
    """Return what the terminal says in the words of a command line."""
    for there, here in INSTEAD_OF_KEYS.items():
        text = text.replace(there, here)
    return text.strip()


def refusal_words(problem: OperationRefused) -> str:
    """Return why something is not done and what to do instead, on a command line."""
    from store_client.services.words import refusal

    todo = INSTEAD_BY_COMMAND.get(problem.code)
    if todo is None:
        return without_keys(" ".join(refusal(problem)))
    return f"{getattr(problem, 'why', problem)} {todo}"


def one_order(
    desk: "Desk", number: str, flows: Sequence[str], what: str, fail: Callable[[int, str], NoReturn]
) -> "FulfillmentOrder":
    """Return the order of some flows that has this number or id; `fail` where none or several do.

    Hyphens and capitals do not matter; the whole number does, because commands
    change what it names: a customer's name is for the search.
    """
    found = orders_called(desk, number, flows)
    if not found:
        fail(NOT_FOUND, f"no {what} {shown(number)} here: give its whole number")
    if len(found) > 1:
        ids = ", ".join(order.id for order in found)
        fail(NOT_FOUND, f"several of {shown(number)}: give one of {ids}")
    return found[0]


def shown(text: str) -> str:
    """Return what was typed as a sentence may have it: in quotes, and not a page of it."""
    return repr(text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…")


def orders_called(desk: "Desk", number: str, flows: Sequence[str]) -> "list[FulfillmentOrder]":
    """Return the orders of some flows that have this number or id, hyphens and capitals aside."""
    wanted = _plain(number)
    rows = desk.store.find_orders(number, NAMESAKES_MAX)
    keys = [row.id for row in rows if wanted in (_plain(row.order_number), _plain(row.id))]
    orders = [order for key in keys if (order := desk.store.fulfillment(key)) is not None]
    return [order for order in orders if order.flow in flows]


def _plain(number: str) -> str:
    return number.strip().replace("-", "").casefold()


def read_pin(by: str) -> str:
    """Return the PIN of who does it: out of the environment, or asked for; never an argument."""
    pin = os.environ.get("HOLDSHELF_PIN", "").strip()
    if not pin and not sys.stdin.isatty():
        typer.echo("store-client: give the PIN in HOLDSHELF_PIN", err=True)
        raise typer.Exit(USAGE)
    return pin or str(typer.prompt(f"PIN of {by}", hide_input=True, err=True)).strip()


def say(found: Any, *, as_json: bool) -> None:
    """Print what was found or done."""
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found if isinstance(found, list) else [found]:
        typer.echo("  ".join(f"{name}={value}" for name, value in one.items()))
