"""kill -9 at every commit of every step of each flow: nothing is lost, nothing doubled."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sync.domain.flows.ship import NAME as SHIP
from tests.architecture.tree import ROOT
from tests.support.told_figures import Tell

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(240)]
LAST = {
    "pickup": "picked_up", "curbside": "picked_up", "wave": "ready_for_pickup",
    "unwanted": "refused", "reserve": "converted", SHIP: "shipped",
}  # fmt: skip
COMMITS_MIN = 24
"""Two files, before and after, of at least six steps."""
MONEY = frozenset({"card_asked", "card_answered"})
"""A card of which nobody knows what came of it is asked about again; it is charged once."""


@pytest.mark.parametrize("flow", sorted(LAST))
def test_killed_at_any_commit_of_any_step(tmp_path: Path, flow: str, tell: Tell):
    """The store that was killed ends with the operations, money and view of the one that was not.

    What had been shown as done is in the journal, once; a card is charged once; the
    drawer balances.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.steps", flow, str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=230,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    whole, *killed = [json.loads(line) for line in done.stdout.splitlines()]
    assert whole["status"] == LAST[flow]
    assert len(killed) == whole["commits"] >= COMMITS_MIN
    for one in killed:
        assert one["killed"] == -signal.SIGKILL, one
        assert one["ended"] == 0, done.stderr
        assert comparable(one) == comparable(whole), f"killed at commit {one['at']}"
        assert one["shown"] == sorted(set(one["shown"]))
        assert one["shown"][-1] <= len(one["operations"])
    shown = sum(len(one["shown"]) for one in killed)
    tell(f"{len(killed)} kills, one at each commit; {shown} operations shown as done before them,"
         f" all in the journal once, {len(whole['operations'])} operations in the end")  # fmt: skip
    if flow == "reserve":
        assert whole["balanced"]
        assert whole["charges"] == [1_500]


def comparable(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same, whenever the plug was pulled."""
    skipped = {"at", "killed", "ended", "commits", "shown", "view"}
    same = {name: value for name, value in outcome.items() if name not in skipped}
    same["operations"] = [
        {**one, "tender": 0} if "tender" in one else one
        for one in outcome["operations"]
        if one["kind"] not in MONEY
    ]
    view = dict(outcome["view"])
    reserve = view.pop("reserve", None)
    if reserve is not None:
        taken = [one for one in reserve["tenders"] if one["state"] != "declined"]
        same["tenders"] = [(one["means"], one["amount_minor"]) for one in taken]
        view["reserve"] = {**reserve, "tenders": ()}
    same["view"] = view
    return same
