"""Size, words and paths: what a reviewer should not have to look for."""

import ast
import re
import tempfile
from pathlib import Path

from tests.architecture.tree import ROOT, functions, project_files, project_texts

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 450
PROSE = (".py", ".md", ".toml", ".tcss", ".sh", "Makefile", "run")

# Put together here, so that this file does not hold what it looks for.
BANNED_WORDS = tuple("".join(parts) for parts in (("TO", "DO"), ("FIX", "ME"), ("X", "XX")))
REGISTRY_HOSTS = tuple(".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org")))


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _machine_paths() -> list[str]:
    """Return the paths that would give away where this copy lies."""
    parent = ROOT.parent
    neighbors = [] if parent == Path(tempfile.gettempdir()) else [*parent.iterdir()]
    return [str(path) for path in {ROOT, *neighbors} if len(path.parts) > 2]


def test_every_function_fits_on_a_screen():
    """A function has at most 60 lines."""
    long = [
        f"{name}:{function.lineno} {function.name} has {_length(function)} lines"
        for name, text in project_texts(".py")
        for function in functions(text)
        if _length(function) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_nothing_is_left_of_a_merge():
    """Who reads the CHANGELOG reads no markers of two versions of it."""
    marks = tuple(7 * one for one in "<>")
    left = [
        f"{name}:{number}"
        for name, text in project_texts(*PROSE)
        for number, line in enumerate(text.splitlines(), 1)
        if line.startswith(marks)
    ]
    assert left == []


def test_every_module_can_be_read_in_one_sitting():
    """A Python file has at most 450 lines."""
    long = [
        f"{name} has {len(text.splitlines())} lines"
        for name, text in project_texts(".py")
        if len(text.splitlines()) > FILE_LINES_MAX
    ]
    assert long == []


def test_no_file_holds_unfinished_work():
    """What is left to do stands in the tracker, not in the code."""
    words = re.compile(rf"\b({'|'.join(BANNED_WORDS)})\b")
    found = [
        f"{name}:{number} {line.strip()}"
        for name, text in project_texts(*PROSE)
        for number, line in enumerate(text.splitlines(), start=1)
        if words.search(line)
    ]
    assert found == []


def test_every_test_states_its_requirement():
    """Each test function has a docstring that says what must hold."""
    silent = [
        f"{name}:{function.lineno} {function.name}"
        for name, text in project_texts(".py")
        if name.startswith("tests/")
        for function in functions(text)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_no_file_names_the_machine_it_was_written_on():
    """Nothing in the tree depends on, or tells, where a copy of it lies."""
    paths = "|".join(re.escape(path) for path in _machine_paths())
    pattern = re.compile(rf"(?<![\w./-])(?:{paths})(?![\w-])")
    found = [
        f"{name}:{number}"
        for name, text in project_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if paths and pattern.search(line)
    ]
    assert found == []


def test_no_file_names_a_package_registry():
    """Which registry to install from is the reader's choice."""
    found = [
        f"{name} names {host}"
        for name, text in project_texts()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert found == []


def test_no_file_is_too_big_to_review():
    """Only stored pictures, sample data and the lock may exceed 200 kB."""
    allowed = {".svg", ".csv", ".lock", ".png"}
    found = [
        path.relative_to(ROOT).as_posix()
        for path in project_files()
        if path.suffix not in allowed and path.stat().st_size > 200_000
    ]
    assert found == []
