"""A second flow is one module of rules, one folder on each side, one line in each list."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

pytestmark = pytest.mark.slow

LOCKER = Path(__file__).parent / "locker"
PACKAGES = ("sync", "store_client", "central_server", "tests")
NEW_FILES = {
    "sync/domain/flows/locker.py": "rules",
    "store_client/flows/locker/__init__.py": "",
    "store_client/flows/locker/commands.py": "commands",
    "store_client/flows/locker/board.py": "board",
    "store_client/flows/locker/screen.py": "screen",
    "central_server/flows/locker/__init__.py": "",
    "central_server/flows/locker/handler.py": "handler",
}
TERMINAL_IMPORTS = """\
from store_client.flows.locker import board as locker_board
from store_client.flows.locker import commands as locker_commands
from store_client.flows.locker.screen import LockerScreen
from store_client.screens.host import FlowDesk, FlowUi"""
TERMINAL_ENTRY = """pickup_board, pickup_commands, PICKUP_DESK),
    FlowUi("locker", LockerScreen, locker_board, locker_commands),"""
CENTRAL_IMPORTS = """\
from central_server.flows.locker.handler import LockerHandler
from central_server.services.flow_handler import FlowHandler"""
LISTS = {
    "sync/domain/flows/__init__.py": (
        (
            "from sync.domain.flows import curbside",
            "from sync.domain.flows import locker, curbside",
        ),
        ("(pickup.FLOW,", "(pickup.FLOW, locker.FLOW,"),
    ),
    "store_client/flows/__init__.py": (
        ("from store_client.screens.host import FlowDesk, FlowUi", TERMINAL_IMPORTS),
        ("pickup_board, pickup_commands, PICKUP_DESK),", TERMINAL_ENTRY),
    ),
    "central_server/flows/__init__.py": (
        ("from central_server.services.flow_handler import FlowHandler", CENTRAL_IMPORTS),
        ("    PickupHandler(),", "    PickupHandler(), LockerHandler(),"),
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project in which the throw-away flow is added, and nothing else changed."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, source in NEW_FILES.items():
        target = tmp_path / path
        target.parent.mkdir(exist_ok=True)
        text = (
            (LOCKER / f"{source}.txt").read_text(encoding="utf-8") if source else '"""Locker."""\n'
        )
        target.write_text(text, encoding="utf-8")
    for path, changes in LISTS.items():
        text = (tmp_path / path).read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{path} has no single {old!r}"
            text = text.replace(old, new)
        (tmp_path / path).write_text(text, encoding="utf-8")
    shutil.copy(LOCKER / "journey.txt", tmp_path / "journey.py")
    return tmp_path


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copied tree."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_second_flow_goes_the_whole_way(tree: Path):
    """Placed at central, on the store's screen, done there, known to central: no other change."""
    done = run(tree, "journey.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the second flow went the whole way"


def test_second_flow_is_tested_the_moment_it_is_listed(tree: Path):
    """The generic suite walks its every state and operation, its own one included."""
    done = run(
        tree, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-k", "locker",
        "tests/sync/domain/test_transitions.py",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_second_flow_must_be_explained(tree: Path):
    """A flow and an operation without an entry in the glossary are told so."""
    done = run(
        tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/architecture/test_glossary.py"
    )
    assert "LockerEmptied" in done.stdout
    assert done.returncode == 1
