"""A disk that is full, or does not keep what it is given: refused aloud, and nothing is lost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sync.edge.journal import Journal
from tests.support.told_figures import Tell
from tests.sync.edge.test_journal import KEY, add, check_chain, journal_in, record

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(120)]

GOOD, FAILING, AFTER = 30, 40, 20


def written(folder: Path, fault: str) -> list[dict[str, Any]]:
    """Let a process write on a failing disk; return what it said."""
    journal_in(folder, key=KEY).close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.processes.writer", str(folder), "--fault", fault,
         "--good", str(GOOD), "--failing", str(FAILING), "--after", str(AFTER)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    if "unable" in said[-1]:
        pytest.skip(f"this system fails no system calls: {said[-1]['unable']}")
    assert said[-1] == {"done": True}
    return said


def check_kept(folder: Path, said: list[dict[str, Any]]) -> None:
    """Everything acknowledged is there, in one unbroken chain that goes on."""
    journal = Journal(folder / "journal.db", KEY)
    count = check_chain(journal)
    for one in said:
        if "seq" in one:
            known = journal.hash_at(one["seq"])
            assert known is not None
            assert known.hex() == one["hash"]
    assert add(journal, record(1)) == count + 1
    assert check_chain(journal) == count + 1
    journal.close()


def test_a_full_disk_refuses_aloud_and_goes_on_when_there_is_room(
    tmp_path: Path, tell: Tell
) -> None:
    """No file may grow: operations are refused in words, none half done, and work goes on after."""
    said = written(tmp_path, "size")
    refused = [one for one in said if "refused" in one]
    acknowledged = [one["seq"] for one in said if "seq" in one]
    tell(f"full disk: {len(refused)} refused: {refused[-1]['refused']!r}")
    assert len(refused) > FAILING // 2
    assert all(one["refused"] for one in refused)
    assert acknowledged == list(range(1, GOOD + FAILING - len(refused) + AFTER + 1))
    check_kept(tmp_path, said)


def test_a_disk_that_does_not_keep_its_word_acknowledges_nothing(
    tmp_path: Path, tell: Tell
) -> None:
    """Every fsync fails: no operation is called done, and those done before are all there."""
    said = written(tmp_path, "fsync")
    refused = [one for one in said if "refused" in one]
    tell(f"fsync fails: {len(refused)} refused: {refused[-1]['refused']!r}")
    assert [one["seq"] for one in said if "seq" in one] == list(range(1, GOOD + 1))
    assert len(refused) == FAILING
    assert {one["head"] for one in refused} == {GOOD}
    check_kept(tmp_path, said)
