"""Who may import whom. The contracts stand in pyproject.toml; `make imports` runs them alone."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.tree import PACKAGES, ROOT


def test_every_contract_is_kept():
    """Imports go down the layers only, and frameworks stay where they belong."""
    tool = Path(sys.executable).with_name("lint-imports")
    command = [str(tool), "--no-logo", "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_contract_has_a_name_of_its_own():
    """A broken contract is found by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    names = [contract["name"] for contract in contracts]
    assert len(set(names)) == len(names)


def test_all_code_is_in_the_three_packages():
    """A fourth top-level package would escape the contracts."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found - {"tests"} <= set(PACKAGES)
