"""Every action of the terminal is a command as well, or it is said why not."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from textual.binding import Binding

import store_client.flows
import store_client.screens
from store_client.app import StoreApp
from store_client.cli import app
from store_client.screens.base import TerminalModal, TerminalScreen
from tests.architecture.tree import ROOT

ENTRY_PARTS = 4
"""Whether it fits, its label, a detail, what it does."""
GOODS = ("pick", "short", "reject", "unpick", "put-back")
SHOWS = "it shows something or moves about; nothing is recorded"
TYPES = "a way to type; the command has its argument"
OPENS = "it opens a list of the commands that are here by themselves"
PERSON = "a command signs in by itself and ends: there is nothing to lock, leave or take over"

ACTIONS: dict[str, str | tuple[str, ...]] = {
    "help": SHOWS, "today": SHOWS, "menu": SHOWS, "timeline": SHOWS, "find": SHOWS,
    "sync_status": ("status",), "inbox": ("inbox list",), "printing": ("print list",),
    "drawer": ("drawer report",), "sign_out": PERSON, "lock": PERSON, "quit": PERSON,
    "network": "the switch of the demo", "unlock": "a manager stands at the terminal",
    "type_code": TYPES, "id_check": ("pickup hand-over",),
    "next": ("pickup accept", "pickup ready", "ship accept", "ship label", "ship manifest",
             "reserve accept", "reserve ready"),
    "pick": ("pickup pick", "ship pick", "reserve pick", "pickup pick-wave", "ship pick-wave",
             "curbside pick-wave"),
    "hand_over": ("pickup hand-over",), "problem": OPENS,
    "stage": ("pickup stage", "reserve stage"),
    "put_back": ("pickup put-back", "ship put-back", "reserve put-back"),
    "undo": ("pickup unpick", "ship unpick", "reserve unpick", "pickup unstage", "reserve unstage"),
    "pack_some": ("ship pack",), "reprint": ("ship label",), "pay": ("reserve pay",),
    "arrived": ("curbside arrived",), "left": ("curbside left",),
    "start_wave": ("pickup wave", "ship wave", "curbside wave"),
    "mark": "marking orders is choosing them: `wave --number`",
    "manifest": ("ship manifest",), "taken": ("ship hand-over",),
    "sort_wave": ("pickup sort", "ship sort", "curbside sort"),
    "short": ("pickup none-left", "ship none-left", "curbside none-left"),
    "leave_wave": ("pickup leave", "ship leave", "curbside leave"),
    "wave_paper": ("pickup pick-list", "ship pick-list", "curbside pick-list"),
    "take": ("pickup pick", "ship pick", "reserve pick"),
    "take_over": ("pickup take-over", "ship take-over", "curbside take-over"),
    "inbox_new": ("inbox add",), "inbox_assign": ("inbox assign",), "inbox_done": ("inbox done",),
    "print_again": ("print again",), "print_move": ("print again",),
    "print_cancel": ("print cancel",), "pick_list": ("print pick-list",),
    "drawer_next": ("drawer open", "drawer count"), "drawer_print": ("drawer report",),
    "drawer_cash": ("drawer cash",),
    "sell": ("sell",), "reserve": ("reserve make",), "wait": ("reserve make",),
    "pay_cash": ("reserve pay",), "pay_card": ("reserve pay", "reserve ask-card"),
    "pay_gift": ("reserve pay",), "pay_credit": ("reserve pay",),
    "pay_back": ("reserve give-back",),
}  # fmt: skip
"""Of each key that is named, its commands, or why it has none."""

PROBLEMS: dict[str, str | tuple[str, ...]] = {
    "Cannot give this item": ("pickup short", "reserve short"),
    "Cannot send this item": ("ship short",),
    "Take a pick back": ("pickup unpick", "ship unpick", "reserve unpick"),
    "Customer does not want it": ("pickup refuse", "reserve refuse"),
    "Customer takes nothing": ("pickup refuse",),
    "Customer wants none of it": ("reserve refuse",),
    "Reject the whole order": ("pickup reject", "ship reject"),
    "Cannot give any of it": ("reserve reject",),
    "Move to another spot": ("pickup stage", "reserve stage"),
    "Open its wave": SHOWS, "Timeline of this order": SHOWS,
    "Pick it alone": ("pickup leave-wave", "curbside leave-wave"),
    "Customer needs more time": ("pickup extend", "reserve extend"),
    "Nobody came: all is back": ("pickup no-show",),
    "Nobody came: release it": ("reserve release",),
    "Close it, put back later": ("pickup release",),
    "Everything is back": ("pickup put-back", "ship put-back", "reserve put-back"),
    "Not ready after all": ("pickup unstage", "reserve unstage"),
    "Stands elsewhere outside": ("curbside arrived",),
    "Customer waits outside": ("curbside arrived",), "Nobody waits outside": ("curbside left",),
    "Unpack box ": ("ship unpack",), "Void the label of box ": ("ship void",),
    "Write down a label bought otherwise": ("ship label-by-hand",),
    "Print the receipt again": ("reserve receipt",),
    "Print labels and slips again": ("ship label",),
    "Payment": ("ship pay", "ship ask-card", "ship give-back"),
    "Not paid in time": ("ship release",), "Not wanted any more": ("ship refuse",),
}  # fmt: skip
"""Of each entry of F7, its commands, or why it has none."""


def named_keys() -> Iterator[str]:
    """Yield the id of every key that is named, on every screen."""
    for package in (store_client.screens, store_client.flows):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    kinds: list[type] = [StoreApp, TerminalScreen, TerminalModal]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        for binding in vars(kind).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding.id


def problems() -> Iterator[str]:
    """Yield the entries of F7, in the source: text before a number, where one follows."""
    for path in [*(ROOT / "store_client").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "_problems":
                yield from _entries(node)


def _entries(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and len(node.elts) == ENTRY_PARTS:
            is_type = isinstance(node.elts[1], ast.Name)
            yield from () if is_type else (_text(node.elts[1]),)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "label":
            choice = node.value
            both = [choice.body, choice.orelse] if isinstance(choice, ast.IfExp) else [choice]
            yield from map(_text, both)


def _text(node: ast.expr) -> str:
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node
    assert isinstance(first, ast.Constant), ast.unparse(node)
    return str(first.value)


def command(path: str) -> Any:
    """Return the command of this name, or fail."""
    found: Any = typer.main.get_command(app)
    for word in path.split():
        assert word in found.commands, f"there is no {path}"
        found = found.commands[word]
    return found


def test_every_key_and_every_problem_has_its_commands_or_a_reason():
    """What can be done at the screen can be done by a script: nothing is left out in silence."""
    assert set(named_keys()) == ACTIONS.keys()
    assert set(problems()) == PROBLEMS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("table", [ACTIONS, PROBLEMS], ids=["keys", "problems"])
def test_the_commands_are_there_and_speak_json(table):
    """Each of them has `--json`."""
    for commands in table.values():
        for path in () if isinstance(commands, str) else commands:
            options = {name for one in command(path).params for name in one.opts}
            assert "--json" in options, f"{path} has no --json"


def test_what_is_done_with_goods_is_the_same_for_every_flow():
    """The same words for the same thing, whatever the customer has chosen."""
    for group in ("pickup", "ship", "reserve"):
        for word in GOODS:
            assert command(f"{group} {word}").help == command(f"pickup {word}").help
