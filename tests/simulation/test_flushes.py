"""What a power cut takes of a store's files: all that no process has flushed, and nothing else."""

from pathlib import Path
from random import Random

import pytest

from sync.edge.journal import Journal
from tests.simulation.faults import Crashed, StoreFuse
from tests.simulation.flushes import Flushes
from tests.sync.edge.test_journal import add, journal_in, record

CUTS = range(12)
"""Seeds of power cuts: some of them take something, if there is anything to be taken."""


class Disk:
    """A journal, its mark and evidence, and what a cut takes of the last two."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.evidence = folder / "disk", folder / "evidence"
        self.folder.mkdir()
        journal_in(self.folder, record(1)).close()
        self.evidence.mkdir()
        self.fuse = StoreFuse()
        self.flushes = Flushes(self.fuse, self.folder, self.evidence)

    def process(self) -> Journal:
        """Start a process over the files."""
        journal = Journal(self.folder / "journal.db", evidence_folder=self.evidence)
        self.flushes.watch(journal)
        return journal

    def lost(self) -> set[str]:
        """Return which files lack something after one of many power cuts, and put them back."""
        files = [self.folder / "journal.mark", *self.evidence.iterdir()]
        before, safe, found = {one: one.read_bytes() for one in files}, self.flushes._safe, set()
        for seed in CUTS:
            self.flushes._safe = dict(safe)
            self.flushes.lose_power(Random(seed))
            found |= {one.suffix for one in files if one.read_bytes() != before[one]}
            for one, content in before.items():
                one.write_bytes(content)
        self.flushes._safe = safe
        return found


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Return the disk of a store that has done one thing."""
    return Disk(tmp_path)


def test_what_a_killed_process_wrote_is_unsafe_in_the_next_one_too(disk: Disk):
    """Its mark was not flushed: not by its end, and not because somebody else started."""
    journal = disk.process()
    add(journal, record(2))
    disk.flushes.end(is_killed=True)
    journal.close()
    assert disk.lost() == {".mark"}
    journal = disk.process()
    assert disk.lost() == {".mark"}
    journal.flush_mark()
    assert disk.lost() == set()
    journal.close()


def test_a_process_that_is_closed_flushes_its_mark(disk: Disk):
    """An end that is no crash leaves nothing behind."""
    journal = disk.process()
    add(journal, record(2))
    disk.flushes.end()
    journal.close()
    assert disk.lost() == set()


def test_evidence_that_a_full_disk_did_not_take_is_unsafe_until_it_is_flushed(disk: Disk):
    """Its flush was refused: the next process flushes it, and not by starting."""
    journal = disk.process()
    disk.fuse.is_full = True
    add(journal, record(2))
    assert "second record" in journal.witness_problem
    disk.flushes.end()
    journal.close()
    disk.fuse.is_full = False
    journal = disk.process()
    assert disk.lost() == {".evidence"}
    journal.complete_evidence()
    assert disk.lost() == set()
    journal.close()


def test_what_is_left_after_a_cut_or_an_orderly_end_is_safe(disk: Disk):
    """A disk keeps what it has when it comes back; a machine that is shut down flushes all."""
    journal = disk.process()
    add(journal, record(2))
    disk.flushes.end(is_killed=True)
    journal.close()
    disk.flushes.lose_power(Random(0))
    assert disk.lost() == set()
    journal = disk.process()
    add(journal, record(3))
    disk.flushes.end(is_killed=True)
    journal.close()
    disk.flushes.settle()
    assert disk.lost() == set()


def test_the_first_flush_of_a_process_may_be_its_last(disk: Disk):
    """What its start flushes counts like everything else, and power may go over it."""
    disk.fuse.arm_flush(1, before=True, takes_power=True)
    journal = disk.process()
    with pytest.raises(Crashed):
        journal.complete_evidence()
    assert disk.fuse.is_out_of_power
    journal.close()
