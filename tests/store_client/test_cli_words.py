"""What a command line says is said without the keys of the terminal."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import store_client
from store_client.order_cli import INSTEAD_BY_COMMAND, INSTEAD_OF_KEYS, refusal_words, without_keys
from store_client.services.desk import NeedsRole, Refusal
from sync.domain.people import Action

KEY = re.compile(
    r"\bF\d{1,2}\b|Ctrl\+|\^[A-Z]\b|\bEnter\b|\bEsc\b|\b[ot]n? Today\b"
    r"|\bat the top\b|\bfrom the list\b|\bPIN here\b|\bsign in and\b"
)
AT_THE_TERMINAL_ONLY = {"undo_pick", "print_pick_list"}
"""Functions whose refusals no command line can hear, or that speak of no screen."""
ROOT = Path(store_client.__file__).parent
SPOKEN = ("Refusal", "CardUnclear", "Paid", "__init__")
"""Calls whose sentences a command line passes on."""


def modules() -> Iterator[Path]:
    yield from sorted((ROOT / "services").glob("*.py"))
    for name in ("commands.py", "manifests.py", "paying.py"):
        yield from sorted((ROOT / "flows").glob(f"*/{name}"))


def sentences(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (class or function, text) of everything that is refused or said of a payment."""
    for owner in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(owner, ast.ClassDef | ast.FunctionDef):
            continue
        codes = [
            one.value.value
            for one in owner.body
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
        ]
        if set(codes) & set(INSTEAD_BY_COMMAND):
            continue  # a command line has words of its own for it
        for node in ast.walk(owner):
            for said in _said(node):
                constants = [one for one in ast.walk(said) if isinstance(one, ast.Constant)]
                yield owner.name, "".join(str(one.value) for one in constants)


def _said(node: ast.AST) -> list[ast.expr]:
    """Return what of a node is said: arguments of a refusal, or what is to be done instead."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return node.args if name in SPOKEN else []
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "todo":
        return [node.value]
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        return node.value.elts  # why, and what to do
    return []


def test_no_refusal_of_a_command_line_names_a_key():
    """Each sentence of a use case that names a key has its words for the command line."""
    found = [
        (path.name, owner, text)
        for path in modules()
        if path.name != "fetching_board.py"  # says why a scan at the screen leads nowhere
        for owner, text in sentences(path)
        if owner not in AT_THE_TERMINAL_ONLY
    ]
    assert len(found) > 100
    assert [one for one in found if KEY.search(without_keys(one[2]))] == []


def test_every_sentence_that_is_replaced_is_said_somewhere():
    """A sentence that was reworded would keep its key on the command line."""
    said = " ".join(text for path in modules() for _, text in sentences(path))
    assert [sentence for sentence in INSTEAD_OF_KEYS if sentence not in said] == []


def test_what_names_a_screen_is_left_out():
    """Why is said all the same."""
    refused = Refusal("This order is not here any more.", "Go back to Today.")
    assert refusal_words(refused) == "This order is not here any more."
    waits = Refusal("The drawer of this terminal is not open.", "Open it first: F8 on Today.")
    assert refusal_words(waits).endswith("Open it first: `drawer open`.")
    assert refusal_words(NeedsRole(Action.TAKE_CASH_OUT)).endswith("their number with --by.")
