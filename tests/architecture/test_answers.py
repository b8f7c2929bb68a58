"""What was asked for through a dialog is recorded in its turn, never dropped."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import ROOT

SCREENS = [
    *(ROOT / "store_client/screens").glob("*.py"),
    *(ROOT / "store_client/flows").rglob("*.py"),
]


def _at_once(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where what a dialog calls back (a function within a method) uses `do`."""
    for method in ast.walk(tree):
        if not isinstance(method, ast.FunctionDef):
            continue
        for inner in ast.walk(method):
            if inner is method or not isinstance(inner, ast.FunctionDef):
                continue
            for call in ast.walk(inner):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and call.func.attr == "do"
                ):
                    yield call.lineno


def test_no_answer_is_dropped_while_something_is_recorded():
    """`do` ignores a second key press; whoever has answered a dialog gets `do_answer`."""
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in SCREENS
        for line in _at_once(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()
