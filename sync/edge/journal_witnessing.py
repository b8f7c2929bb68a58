"""What is noted of a journal outside of it, after each commit: the mark, and the evidence.

The operations are durable already: that something cannot be noted is told on the
sync screen, and refuses nobody's work. A gap in the evidence is told until it is
closed: it is written again from the journal.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.edge.evidence import Evidence, Witness
from sync.edge.journal_part import JournalPart
from sync.edge.lives import Life
from sync.edge.mark import Mark, MarkFile
from sync.edge.sqlite import Error

WITNESSES_AT_ONCE = 500


class JournalWitnessing(JournalPart):
    """The part of a journal that lets other files know of it."""

    mark_file: MarkFile
    _fresh: list[Witness]
    _mark_problem = ""
    _evidence_problem = ""
    _owed: tuple[int, int] | None = None
    """The first operation (epoch, seq) since which evidence could not be written."""

    @property
    def witness_problem(self) -> str:
        """Why mark or evidence lack something that was done; the operations themselves are safe."""
        return "; ".join(one for one in (self._mark_problem, self._evidence_problem) if one)

    def read_mark(self) -> Mark | None:
        """Return this installation's mark; None also where it cannot be read, which is told."""
        try:
            return self.mark_file.read(self.identity.install_nonce)
        except OSError as problem:
            self._mark_problem = f"the mark of this store's work cannot be read: {problem}"
            return None

    def read_witnessed(self) -> tuple[int, int]:
        """Return how far (epoch, seq) the evidence says that this name had come; (0, 0): nothing.

        Read from the end of its newest file, so that each start of a process can ask.
        """
        reached = (0, 0)
        if self.evidence is not None:
            with self.recalling():
                reached = self.evidence.reached(self.identity.replica_id)
        return reached

    @contextmanager
    def recalling(self) -> Iterator[None]:
        """Read evidence in this block; where that fails nothing of it counts, and that is told."""
        try:
            yield
        except OSError as problem:
            self._evidence_problem = (
                f"the second record of this store's work cannot be read: {problem};"
                " restore once more when its disk is back"
            )

    def write_mark(self) -> None:
        """Let the mark stand at the head, durably."""
        with self._lock:
            here = self._mark_of_head()
            with self._telling():
                self.mark_file.write(here)
                self.mark_file.sync()

    def flush_mark(self) -> None:
        """See that the mark is at the head at least, and on the disk: before anything is sent.

        Another process may have done what is sent now, and be about to move the mark.
        """
        with self._lock:
            here = self._mark_of_head()
            with self._telling():
                known = self.mark_file.read(here.install_nonce)
                if known is None or known.place < here.place:
                    self.mark_file.write(here)
                self.mark_file.sync()

    def complete_evidence(self) -> None:
        """Write once more what the evidence lacks: a crash left it out, or a disk was away.

        And the newest record once in each process: what an earlier one could not flush looks
        as if it were on the disk.
        """
        with self._lock:
            self._testify(self._catch_up)

    def _note(self) -> None:
        """Move the mark and the evidence up to what was just committed."""
        if not self._fresh:
            return
        last = self._fresh[-1]
        mark = Mark(self.identity.install_nonce, last.epoch, last.seq, last.hash.hex())
        with self._telling():
            self.mark_file.write(mark)
        self._testify(self._catch_up if self._evidence_problem else self._add_fresh)

    def _mark_of_head(self) -> Mark:
        head, who = self.head(), self.identity
        return Mark(who.install_nonce, who.epoch, head.seq, head.hash.hex())

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Move the mark in this block; that it failed is told until it has not."""
        try:
            yield
            self._mark_problem = ""
        except OSError as problem:
            self._mark_problem = f"the mark of this store's work failed: {problem}"

    def _testify(self, write: Callable[[Evidence], None]) -> None:
        if self.evidence is None:
            return
        try:
            write(self.evidence)
            self._owed, self._evidence_problem = None, ""
        except (OSError, Error) as problem:
            if self._owed is None and self._fresh:
                self._owed = (self._fresh[0].epoch, self._fresh[0].seq)
            said = f"the second record of this store's work failed: {problem}"
            self._evidence_problem = said

    def _add_fresh(self, evidence: Evidence) -> None:
        evidence.append(self._fresh)

    def _catch_up(self, evidence: Evidence) -> None:
        """Write what is not among the newest records, and all since a write failed.

        Of that nobody knows what has reached the disk. Former epochs need no evidence.
        """
        life, end = self.lives.newest, self.head().seq
        known = evidence.newest(life.replica_id, life.epoch)
        owed = end + 1 if evidence.has_flushed else max(life.base + 1, end)
        if not known:
            owed = life.base + 1  # a new name that was cut short, or a disk that is new
        if self._owed is not None:
            owed = self._owed[1] if self._owed[0] == life.epoch else life.base + 1
        first = min([owed, *known])
        for start in range(first, end + 1, WITNESSES_AT_ONCE):
            evidence.append(
                [
                    one
                    for one in self._witnesses(life, start, min(end, start + WITNESSES_AT_ONCE - 1))
                    if one.seq >= owed or known.get(one.seq) != one.hash
                ]
            )

    def _witnesses(self, life: Life, first: int, last: int) -> list[Witness]:
        """Return what the journal has of an epoch, as the evidence keeps it."""
        effects: dict[int, list[tuple[str, int, int]]] = {}
        for seq, *moved in self._all(
            "SELECT seq, sku, on_hand, allocated FROM stock_effects"
            " WHERE epoch = ? AND seq BETWEEN ? AND ?",
            (life.epoch, first, last),
        ):
            effects.setdefault(seq, []).append(tuple(moved))
        rows = self._all(
            "SELECT seq, line, hash FROM operations WHERE epoch = ? AND seq BETWEEN ? AND ?"
            " ORDER BY seq",
            (life.epoch, first, last),
        )
        return [
            Witness(life.replica_id, life.epoch, seq, bytes(line), bytes(hashed),
                    tuple(effects.get(seq, ())))
            for seq, line, hashed in rows
        ]  # fmt: skip
