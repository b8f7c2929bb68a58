"""The first of the two commands that the README promises."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.support.told_figures import Tell

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_demo_without_a_terminal_plays_a_day_and_ends_in_agreement(
    tmp_path: Path, tell: Tell
) -> None:
    """`central-server demo | cat`: exit code 0, all stores agree, nothing is left running."""
    began = monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "central_server", "demo", "--dir", str(tmp_path / "demo")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=280,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "ALL STORES AGREE WITH CENTRAL"
    tell(f"a scripted day with an outage in {monotonic() - began:.1f} s; all stores agree")
    assert processes_in(tmp_path / "demo") == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of living processes that name `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found
