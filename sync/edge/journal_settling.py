"""Settling a journal: what central answered, and what may be forgotten after it.

An operation is forgotten when central has had it for `KEEP_DAYS`, by central's own
time from one answer to another, and by this machine's wall clock too: no clock that is
set forward can throw away what a central restored from a backup would ask for again.
When an operation was done is never asked: that is a claim.
"""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from sync.edge import sale_numbers
from sync.edge.journal_part import JournalPart
from sync.edge.journal_reading import OF_MONEY
from sync.edge.last_sessions import OF_SESSION, TURNS, last_sessions
from sync.edge.lives import Life
from sync.edge.verdicts import OUTSIDE_OF_ROWS, Late, write_answered, write_settled
from sync.protocol.errors import Fork
from sync.protocol.session import PushAnswer
from sync.protocol.verdicts import Verdict, VerdictStatus

DAY_MS = 86_400_000
KEEP_DAYS = 45
"""How long settled operations are kept, so that a central restored from a backup can ask again."""


class JournalSettling(JournalPart):
    """The part of a journal that central's answers go to."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Hold the write lock; see `Journal`."""

    @abstractmethod
    def hash_at(self, seq: int, life: Life | None = None) -> bytes | None:
        """Return the chain's hash after `seq`; see `Journal`."""

    def settle(self, answer: PushAnswer, life: Life | None = None, now_ms: int = 0) -> None:
        """Record an answer to a push of `life`: verdicts and position, in one transaction.

        `now_ms` is this machine's wall time, a second witness for `prune`. Raises `Fork`
        where central has something else at that place, or more than this journal: then
        this file is not what central last talked to.
        """
        life = life or self.lives.newest
        known = None if answer.acked_seq < life.base else self.hash_at(answer.acked_seq, life)
        if known is None or known.hex() != answer.acked_hash:
            raise Fork(
                "central has another journal under this name: restored or cloned",
                seq=answer.acked_seq,
                last_seq=self.head().seq,
            )
        with self.writing():
            self.keep_verdicts(life.epoch, (*self._let_go(life, answer), *answer.verdicts))
            self.note_opened(life)
            self._connection.execute(
                "UPDATE progress SET acked_seq = ?, rival_ms = 0 WHERE id = 1", (answer.acked_seq,)
            )
            self._note_acknowledged(answer, now_ms)

    def note_opened(self, life: Life) -> None:
        """Note that central has begun with an epoch, inside `writing()`."""
        if not life.opened:
            self._connection.execute("UPDATE lives SET opened = 1 WHERE epoch = ?", (life.epoch,))

    def _let_go(self, life: Life, answer: PushAnswer) -> list[Verdict]:
        """Return that what a life before this one of central's held was accepted, if it was."""
        rows = self._connection.execute(
            "SELECT seq FROM verdicts INDEXED BY verdicts_held JOIN progress"
            f" WHERE {OUTSIDE_OF_ROWS} AND epoch = ? AND seq > acked_seq AND seq <= ?",
            (life.epoch, answer.acked_seq),
        )
        listed = {verdict.seq for verdict in answer.verdicts}
        return [
            Verdict(seq=seq, status=VerdictStatus.ACCEPTED)
            for (seq,) in rows.fetchall()
            if seq not in listed
        ]

    def _note_acknowledged(self, answer: PushAnswer, now_ms: int) -> None:
        """Keep when central had how much: once a day of central's, and only what is new."""
        if not answer.answered_at_ms:
            return  # of a central that does not say when it is
        self._connection.execute("UPDATE progress SET central_ms = ?", (answer.answered_at_ms,))
        row = self._one("SELECT seq, central_ms FROM acknowledged ORDER BY seq DESC LIMIT 1")
        seq, central_ms = (0, -DAY_MS) if row is None else row
        if answer.acked_seq > seq and abs(answer.answered_at_ms - central_ms) >= DAY_MS:
            self._connection.execute(
                "INSERT INTO acknowledged (seq, central_ms, here_ms) VALUES (?, ?, ?)",
                (answer.acked_seq, answer.answered_at_ms, now_ms),
            )

    def forget_acknowledged(self, from_seq: int) -> None:
        """Take back that central had operations from `from_seq` on, inside `writing()`."""
        self._connection.execute("DELETE FROM acknowledged WHERE seq >= ?", (from_seq,))

    def keep_verdicts(self, epoch: int, verdicts: Sequence[Verdict]) -> None:
        """Record verdicts on operations of an epoch, inside `writing()`."""
        for verdict in verdicts:
            write_answered(self._connection, epoch, verdict)

    def hold_back(self, epoch: int, verdicts: Sequence[Verdict]) -> None:
        """Record which operations of an epoch central holds or refused, and was taken to count."""
        with self.writing():
            for verdict in verdicts:
                row = self._one(
                    "SELECT status FROM verdicts WHERE epoch = ? AND seq = ?", (epoch, verdict.seq)
                )
                is_held = verdict.status is VerdictStatus.QUARANTINED
                is_news = is_held and (row is None or row[0] != verdict.status.value)
                if is_news or (row is None and verdict.status is VerdictStatus.REFUSED):
                    write_settled(self._connection, epoch, verdict, Late.NO)

    def settle_later(
        self, verdicts: Sequence[tuple[str, int, Verdict]], late: Late = Late.YES
    ) -> None:
        """Record what central settled after a push was answered: (replica, epoch, verdict)."""
        with self.writing():
            lives = self.lives
            for replica_id, epoch, verdict in verdicts:
                if lives.named(replica_id, epoch) is not None:
                    write_settled(self._connection, epoch, verdict, late)

    def arrived(self) -> None:
        """Note that all rows that include what was settled until now have been taken in."""
        is_ahead = f"{OUTSIDE_OF_ROWS} AND late = {Late.AHEAD:d}"
        if self._one(f"SELECT 1 FROM verdicts INDEXED BY verdicts_held WHERE {is_ahead}"):
            with self.writing():
                self._connection.execute(
                    f"UPDATE verdicts SET late = {Late.YES:d} WHERE {is_ahead}"
                )

    def rewind(self, expected_seq: int, epoch: int | None = None) -> None:
        """Central lost operations (a restore): send again from `expected_seq`.

        Its verdicts on them are lost as well; it will judge anew. What it held is held until
        then: rows of the life that is over went on behind it, without it. `epoch` is where
        central is: later ones have to begin again.
        """
        first = self.lives.first_of(self.identity.replica_id)
        with self.writing():
            # What was done under former names is not sent again.
            again = max(expected_seq, first.base + 1)
            self._connection.execute(
                "DELETE FROM verdicts WHERE seq >= ?"
                f" AND (status = 'refused' OR NOT {OUTSIDE_OF_ROWS})",
                (again,),
            )
            self._connection.execute(
                f"UPDATE verdicts SET status = 'quarantined', late = {Late.NO:d} WHERE seq >= ?",
                (again,),
            )
            self.forget_acknowledged(expected_seq)
            self._connection.execute(
                "UPDATE progress SET acked_seq = min(acked_seq, ?) WHERE id = 1",
                (max(expected_seq - 1, first.base),),
            )
            if epoch is not None:
                self._connection.execute(
                    "UPDATE lives SET opened = 0 WHERE epoch > ? AND replica_id = ?",
                    (epoch, first.replica_id),
                )

    def meet_rival(self, heard_at_ms: int) -> None:
        """Note when central last heard the machine that already has this store's name.

        Heard again since the last time, it lives: then this one is the copy, and
        sends nothing any more until it is enrolled anew. Another time is enough:
        central's clock may have been set back in between.
        """
        with self.writing():
            self._connection.execute(
                "UPDATE progress SET rival_ms = ?,"
                " is_duplicate = is_duplicate OR (rival_ms > 0 AND rival_ms <> ?)",
                (heard_at_ms, heard_at_ms),
            )

    def give_up_name(self) -> None:
        """Note that another machine has this store's name; see `is_duplicate`."""
        with self.writing():
            self._connection.execute("UPDATE progress SET is_duplicate = 1")

    def is_duplicate(self) -> bool:
        """Return whether another machine works under this store's name."""
        return bool(self._one("SELECT is_duplicate FROM progress WHERE id = 1")[0])

    def prune(self, now_ms: int) -> int:
        """Forget operations that central has had for `KEEP_DAYS`; return how many.

        `now_ms` is this machine's wall time. The last one of each epoch stays: its hash
        is where the next push goes on. What central holds back in quarantine is not
        settled, and is shown on. What belongs to the last session of a drawer stays,
        too. Numbers of sales are kept for longer.
        """
        kept_ms = KEEP_DAYS * DAY_MS
        with self.writing():
            until = self._one(
                "SELECT coalesce(max(seq), 0) FROM acknowledged"
                " WHERE central_ms <= (SELECT central_ms FROM progress) - ? AND here_ms <= ?",
                (kept_ms, now_ms - kept_ms),
            )[0]
            forgotten = (
                "seq < min(?, (SELECT acked_seq FROM progress))"
                " AND seq NOT IN (SELECT max(seq) FROM operations GROUP BY epoch)"
                " AND (epoch, seq) NOT IN (SELECT epoch, seq FROM verdicts WHERE status = ?)"
            )
            given: tuple[object, ...] = (until, VerdictStatus.QUARANTINED.value)
            for drawer in last_sessions(self._all(TURNS)):
                forgotten += f" AND NOT (kind IN ({OF_MONEY}) AND {OF_SESSION})"
                given += drawer.given
            sale_numbers.keep(self._connection, forgotten, given, now_ms)
            cursor = self._connection.execute(f"DELETE FROM operations WHERE {forgotten}", given)
            self._connection.execute(
                "DELETE FROM verdicts WHERE seq < (SELECT acked_seq FROM progress)"
                " AND (epoch, seq) NOT IN (SELECT epoch, seq FROM operations)",
            )
            self._connection.execute("DELETE FROM acknowledged WHERE seq < ?", (until,))
        self._drop_evidence(until)
        return int(cursor.rowcount)

    def _drop_evidence(self, until: int) -> None:
        """Drop evidence that is older than everything the journal still keeps from `until` on."""
        if self.evidence is None:
            return
        row = self._one("SELECT min(at_ms) FROM operations WHERE seq >= ?", (until,))
        if row[0] is not None:
            self.evidence.drop_before(row[0])
