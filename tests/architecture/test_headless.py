"""What is loaded at run time, deferred imports included, which no static contract can see."""

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT


def _loaded_by(module: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter holds after importing `module`."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("module", ["store_client.jobs", "sync.edge", "sync.transport", "sync.hub"])
def test_syncing_loads_no_screen(module: str):
    """`store-client sync` runs on a machine without a terminal: no Textual in its process."""
    assert "textual" not in _loaded_by(module)


def test_the_terminal_loads_no_network():
    """The screens start fast and cannot call out: HTTP is the daemon's, serving is central's."""
    assert _loaded_by("store_client.app").isdisjoint({"httpx", "fastapi", "starlette", "uvicorn"})


@pytest.mark.parametrize("module", ["sync.domain.flows", "central_server.sourcing"])
def test_the_rules_load_no_framework(module: str):
    """Decisions are values in, values out: neither I/O nor validation library."""
    frameworks = {"pydantic", "httpx", "sqlite3", "sqlcipher3", "asyncio", "textual", "fastapi"}
    assert _loaded_by(module).isdisjoint(frameworks)


def test_taking_orders_loads_no_optimizer():
    """Solvers for programs over many orders are loaded by the jobs that need them, not before."""
    assert _loaded_by("central_server.bootstrap").isdisjoint({"highspy", "numpy"})


def test_central_loads_no_screen():
    """A server has no terminal."""
    assert "textual" not in _loaded_by("central_server.app")
