"""The store's half of escrow: confirms promises, grants what it can spare, takes back in time.

Every decision is an operation in the journal, made under the journal's write
lock together with the figures that it follows from, so a sale at the till and a
grant by the daemon cannot both spend the same unit. See `sync.domain.escrow`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.escrow import NO_TERMS, EscrowPolicy, LeaseTerms, Share
from sync.domain.flows import flow_named
from sync.domain.fulfillment import ShortReason
from sync.domain.inventory import StockEffect
from sync.domain.operations import FulfillmentRejected, PromiseConfirmed
from sync.domain.stock_operations import (
    SKUS_PER_OPERATION_MAX,
    GenerationClosed,
    RightsGranted,
    RightsRecalled,
    SkuUnits,
)
from sync.domain.transitions import decide
from sync.edge.journal import Journal
from sync.edge.ports import LeaseToken, SharedBook
from sync.protocol.lines import AnyOperation, OperationRecord

SKUS_AT_ONCE = 500
CONFIRMED = "promise_confirmed"
DAEMON = "daemon"
"""Who does what no person does."""


@dataclass
class ShareKeeper:
    """Looks after one store's shares: `take_back` before each round, `share_out` after it."""

    journal: Journal
    book: SharedBook
    clock: Clock
    boot_id: str
    attempted_seq: int | None = None
    """Up to which operation a push was ever attempted; None: not known, hence perhaps all."""

    life: int = 0
    """Central's incarnation as it was greeted last; 0 before the first greeting."""

    _said: LeaseTerms = NO_TERMS
    """What the newest push said."""
    _agreed: LeaseTerms | None = None
    """What it said, where central has answered that it goes by that."""

    def note_attempt(self, seq: int) -> None:
        """Note, before it is sent, that operations up to `seq` may reach central."""
        if self.attempted_seq is None:  # a process before this one may have tried them all
            self.attempted_seq = self.journal.head().seq
        self.attempted_seq = max(self.attempted_seq, seq)

    def heard(self, token_ms: int, life: int = 0) -> None:
        """Keep central's time of an answer, dated by this machine's monotonic clock now.

        `life` is the incarnation that answered, 0 where it does not say. One that was not
        greeted yet may have forgotten what it promised: no lease is to begin with it.
        """
        if life not in {0, self.life}:
            return
        # Not the highest but the last: central's clock may have been set back.
        self.book.keep_token(LeaseToken(token_ms, self.boot_id, self.clock.monotonic_ms()))

    def token_to_send(self, is_last_push: bool) -> int:
        """Return the token for a push; none while central lacks operations of ours.

        It would promise on a book that it does not know yet, or by rights that are
        about to end; and by rights that ended long ago, where it holds that back.
        """
        is_waited_for = self.journal.rights.expected() is not None
        if not is_last_push or is_waited_for or self.journal.holds_rights():
            return 0
        return self.book.token().token_ms

    def say_terms(self) -> tuple[tuple[int, int], bool]:
        """Return by which terms this store goes, for a push, and whether to ask central for them.

        Noted before they leave: nobody knows whether central hears them. From shorter ones, or
        an end of sharing, nothing follows here until central goes by them, too.
        """
        rights, said = self.journal.rights, self.book.policy().terms
        kept = rights.terms()
        longest = kept.or_longer(said)
        if longest != kept:
            with self.journal.writing():
                rights.keep_terms(longest)
        self._said, self._agreed = said, None
        is_ending = said == NO_TERMS and rights.are_any_granted()
        return said.in_seconds(), longest != said or is_ending

    def agreed(self) -> None:
        """Note that central goes by what the newest push said: no lease of it by anything else."""
        self._agreed = self._said

    def take_back(self) -> None:
        """Close the generation once central's lease is over; before a round, connected or not."""
        policy = self._standing()
        if not policy.enabled:
            return
        self._note_boot()
        if self._is_overdue(policy):
            with self.journal.writing():
                self.book.catch_up()
                self._close()
                self._give_up_unconfirmed()
                self.journal.rights.keep_terms(NO_TERMS)  # no lease on it is left anywhere
            self.book.catch_up()  # only now: a view never shows what the journal rolled back
            # The next generation's lease begins when central is heard again.
            self.book.keep_token(LeaseToken(0, self.boot_id, self.clock.monotonic_ms()))

    def share_out(self) -> int:
        """Confirm promises, grant and ask back, after a round; return how many operations.

        Only when central was just heard: a right that is granted to somebody who is
        away is of no use to either side.
        """
        before = self.journal.head().seq
        self._confirm()  # whatever the policy is by now: central may have promised by another
        self._stand_by_agreed()
        if not self.book.policy().enabled:
            self._end_sharing()
            return self.journal.head().seq - before
        if changed := self.book.changed():
            for start in range(0, len(changed), SKUS_AT_ONCE):
                self._divide(changed[start : start + SKUS_AT_ONCE])
            self.book.evaluated()
        return self.journal.head().seq - before

    def _standing(self) -> EscrowPolicy:
        """Return the policy with the longest terms that central may go by, heard of or said."""
        policy = self.book.policy()
        return policy.with_terms(policy.terms.or_longer(self.journal.rights.terms()))

    def _stand_by_agreed(self) -> None:
        """Go by what central goes by, once all is here that it promised by longer terms.

        Those promises were made before it took the push, and everything was pulled since.
        """
        if self._agreed is not None and self._agreed != self.journal.rights.terms():
            with self.journal.writing():
                self.journal.rights.keep_terms(self._agreed)

    def _end_sharing(self) -> None:
        """Take everything back at once where central has heard that nothing is shared any more.

        It promises by its own record since then; what it promised before is here.
        """
        if self._agreed != NO_TERMS or not self.journal.rights.are_any_granted():
            return
        with self.journal.writing():
            self.book.catch_up()
            self._close()

    def _confirm(self) -> None:
        if not self.book.unconfirmed():
            return
        with self.journal.writing():
            self.book.catch_up()
            for key in self.book.unconfirmed():
                self._append(PromiseConfirmed(key))

    def _divide(self, skus: Sequence[str]) -> None:
        """Grant and ask back for some SKUs: few at once, as terminals wait for the journal."""
        with self.journal.writing():
            self.book.catch_up()
            shares = self.book.shares(skus)
            self._grant([share for share in shares if share.surplus])
            self._recall([share for share in shares if share.shortage])

    def is_met(self, life: int) -> bool:
        """Return whether rights were given to this life of central's, or to none that is known."""
        return self.journal.rights.central_life() in {0, life}

    def expect_anew(self) -> None:
        """Let all rights be taken back: central has forgotten what it promised from them.

        Whatever the policy here says: it is of the life that is over.
        """
        self._expect(self.journal.rights.generation() + 1)

    def meet(self, life: int) -> None:
        """Go by this life of central's from now on; its rows may be lost, this is not."""
        self.life = life
        if self.journal.rights.central_life() != life:
            with self.journal.writing():
                self.journal.rights.keep_central_life(life)

    def join(self, generation: int) -> None:
        """Let central's generation begin where it is ahead: another device was here before."""
        if generation > self.journal.rights.generation():
            self._expect(generation)

    def _expect(self, generation: int) -> None:
        with self.journal.writing():
            self.journal.rights.expect(generation)

    def begin_expected(self) -> int:
        """Begin the generation that was waited for; return how many operations that took.

        Called when everything that central has for this store is here: a promise on
        rights of the generation before stands in the book now.
        """
        following = self.journal.rights.expected()
        if following is None:
            return 0
        before = self.journal.head().seq
        with self.journal.writing():
            if self.book.policy().enabled:
                self._append(GenerationClosed(following - 1))
            self.journal.rights.open_generation(following)
        return self.journal.head().seq - before

    def _note_boot(self) -> None:
        """After a reboot nobody knows how long ago the token came: count from now."""
        token = self.book.token()
        if token.boot_id != self.boot_id:
            here = LeaseToken(token.token_ms, self.boot_id, self.clock.monotonic_ms())
            self.book.keep_token(here)

    def _is_overdue(self, policy: EscrowPolicy) -> bool:
        """Return whether central's lease is over wherever the clocks stand. Never by wall time.

        The token is of this boot: `_note_boot` has seen to that.
        """
        token = self.book.token()
        return self.clock.monotonic_ms() - token.mono_ms >= policy.reclaim_after_ms

    def _close(self) -> None:
        generation = self.journal.rights.generation()
        self._append(GenerationClosed(generation))
        self.journal.rights.open_generation(generation + 1)

    def _give_up_unconfirmed(self) -> None:
        """Let go of promises whose confirmation can never have reached central."""
        for key in self.book.unacknowledged():
            order = self.book.order(key)
            if order is None or self._may_have_confirmed(key):
                continue
            lapsed = FulfillmentRejected(key, ShortReason.PROMISE_LAPSED)
            with suppress(OperationRefused):
                now_ms = self.clock.now_ms()
                outcome = decide(flow_named(order.flow), order, lapsed, now_ms)
                self._append(lapsed, outcome.effects)

    def _may_have_confirmed(self, key: str) -> bool:
        """Return whether a confirmation of this promise may have reached central."""
        confirmed = self.journal.first_seq(key, CONFIRMED)
        if confirmed is None:
            return self._may_have_forgotten()
        tried = self.attempted_seq
        return tried is None or confirmed <= max(tried, self.journal.acked_seq())

    def _may_have_forgotten(self) -> bool:
        """Return whether this journal was put back, and does not know yet what central has of it.

        A new name is no sign of that: a machine that is enrolled anew has all that it did.
        """
        lives = self.journal.lives
        is_behind = any(not one.opened and lives.first_of(one.replica_id) != one for one in lives)
        return is_behind and not lives.newest.opened

    def _grant(self, shares: Sequence[Share]) -> None:
        generation = self.journal.rights.generation()
        granted = self.journal.rights.granted([share.sku for share in shares])
        totals = [
            SkuUnits(share.sku, granted.get(share.sku, (0, 0))[0] + share.surplus)
            for share in shares
        ]
        for part in _parts(totals):
            self._append(RightsGranted(generation, part))
            self.journal.rights.keep_grants(generation, [(one.sku, one.units) for one in part])

    def _recall(self, shares: Sequence[Share]) -> None:
        """Ask rights back, once: not again before central's row includes the last request."""
        skus = [share.sku for share in shares]
        granted, answered = self.journal.rights.granted(skus), self.book.answered(skus)
        wanted = []
        for share in shares:
            total, asked_seq = granted.get(share.sku, (0, 0))
            if total and asked_seq <= answered.get(share.sku, 0):
                wanted.append(SkuUnits(share.sku, share.returned + share.shortage))
        for part in _parts(wanted):
            seq = self._append(RightsRecalled(self.journal.rights.generation(), part))
            self.journal.rights.keep_recalls([one.sku for one in part], seq)

    def _append(self, operation: AnyOperation, effects: Sequence[StockEffect] = ()) -> int:
        record = OperationRecord(
            by=DAEMON, dev=DAEMON, boot=self.boot_id, mono=self.clock.monotonic_ms(),
            at=self.clock.now_ms(), op=operation,
        )  # fmt: skip
        return self.journal.append(record, effects)


def _parts(units: Sequence[SkuUnits]) -> list[tuple[SkuUnits, ...]]:
    size = SKUS_PER_OPERATION_MAX
    return [tuple(units[start : start + size]) for start in range(0, len(units), size)]
