"""The rules of escrow, each of them missing once: what stands in its place then.

`mutants` takes them away. Which rule of the design each of them is, and by whom
it is missed, is the table in `sync/ESCROW.md`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from central_server.services import enrolment, sync_service
from central_server.services.moving import Moving
from central_server.services.replication import Replication
from central_server.services.rights import SharedStock
from central_server.services.settling import Settling
from central_server.storage import backup, stock
from central_server.storage.fulfillments import Fulfillments
from central_server.storage.leases import Leases
from central_server.storage.meta import Meta
from store_client.replica.database import ReplicaDatabase
from store_client.replica.shares import Shares
from sync.domain import escrow
from sync.domain.escrow import EscrowPolicy, Rights, Share
from sync.domain.operations import aggregate_of
from sync.domain.stock_operations import GenerationClosed
from sync.edge.daemon import SyncDaemon
from sync.edge.escrow import CONFIRMED, ShareKeeper
from sync.edge.rights import GivenRights

DEVICES = frozenset({"device_revoked", "enrolled_anew"})
RESTORES = DEVICES | {"central_backed_up", "central_restored"}
SOON = frozenset({"central_is_put_back_soon"})
LEASES = frozenset({"a_lease_is_changed", "a_changed_lease_is_half_heard"})
CLOCKS = frozenset({"centrals_clock_goes_back"})
NEW = frozenset({"a_new_machine"})
OLD = frozenset({"an_old_machine_hands_in"})
HELD = frozenset({"the_end_of_rights_is_held_back"})
ASIDE = frozenset({"the_end_of_rights_is_set_aside"})
OVERTAKEN = frozenset({"orders_overtake_what_is_asked_back"})
DISKS = frozenset({"a_disk_is_put_back_unheard"})
POWER = frozenset({"power_cut"})


@dataclass(frozen=True)
class Mutant:
    """A rule that is missing: where it stands, and what stands there instead."""

    name: str
    owner: Any
    attribute: str
    instead: Callable[[Any], Any]
    """What was there -> what is there now."""
    beside: frozenset[str] = frozenset()
    """Events without which the rule is never needed."""


def _nothing(value: Any = None) -> Callable[[Any], Any]:
    """Return what puts a method there that does nothing and returns `value`."""
    return lambda _: lambda *__, **___: value


# --- central's half ----------------------------------------------------------------------


def _tokens_from_before_a_restore_count(known: Any) -> Any:
    def extend_lease(unit: Any, place: Any, token_ms: int, now_ms: int, terms: Any = None) -> int:
        kept = unit.leases.get(place.id)
        if kept is not None and token_ms:
            unit.leases.save(replace(kept, token_ms=0))
        return known(unit, place, token_ms, now_ms, terms)

    return extend_lease


def _keeps_its_token(known: Any) -> Any:
    def first_of(header: Any, count: int) -> Any:
        return known(header, count).model_copy(update={"lease_ms": header.lease_ms})

    return first_of


def _judges_before_it_moves(_: Any) -> Any:
    def prefetch(applier: Any, state: Any, records: Any) -> None:
        applier.load({aggregate_of(one.op) for one in records}, records, all_rights=False)

    return prefetch


def _grants_add_up(_: Any) -> Any:
    def with_grant(rights: Rights, generation: int, granted: int) -> Rights:
        if generation < rights.generation:
            return rights
        now = rights.within(generation)
        return replace(now, granted=now.granted + granted)

    return with_grant


def _does_not_hear_of_a_closing(known: Any) -> Any:
    def apply(shared: Any, operation: Any, op_id: Any) -> Any:
        return () if isinstance(operation, GenerationClosed) else known(shared, operation, op_id)

    return apply


def _keeps_unused_rights(_: Any) -> Any:
    def broken(shared: Any, sku: str, moved: tuple[int, int]) -> int:
        return max(0, -shared._share(shared._rows[sku], moved).floor)

    return broken


def _gives_up_rights_alone(_: Any) -> Any:
    def repair(applier: Any, sku: str, named: str, op_id: Any) -> tuple[()]:
        applier._shared.broken(sku, applier._effects.get(sku, (0, 0)))
        return ()

    return repair


def _promises_what_its_book_lacks(known: Any) -> Any:
    return lambda row, now_ms: known([*row[:2], 10**6, *row[3:]], now_ms)


OF_CENTRAL = (
    Mutant("central promises without a lease", stock, "_position",
           lambda known: lambda row, _: known(row, -(10**15))),
    Mutant("a lease counts from the push's arrival", sync_service, "extend_lease",
           lambda known: lambda unit, place, token, now, terms=None:
           known(unit, place, token and now, now, terms)),
    Mutant("a token from before a restore counts", sync_service, "extend_lease",
           _tokens_from_before_a_restore_count, SOON),
    Mutant("a token of the future counts", sync_service, "extend_lease",
           lambda known: lambda unit, place, token, _, terms=None:
           known(unit, place, token, 10**15, terms), CLOCKS),
    Mutant("central goes by a lease that its store has not heard of", EscrowPolicy, "bounded_by",
           lambda _: lambda policy, said: policy, LEASES),
    Mutant("half of a push extends a lease", sync_service, "_first_of",
           _keeps_its_token, frozenset({"half_of_a_push_is_taken"})),
    Mutant("a push extends a lease and is held back", sync_service, "_token",
           lambda _: lambda header, answer: header.lease_ms, HELD),
    Mutant("nothing ever lapses", Moving, "lapse", lambda _: lambda applier, only=None, also=(): 0),
    Mutant("a push is judged before what lapsed is moved", Replication, "prefetch",
           _judges_before_it_moves, frozenset({"everything_is_sold"})),
    Mutant("old generations count", Rights, "within",
           lambda _: lambda rights, generation: replace(rights, generation=generation)),
    Mutant("a grant adds to the one before", Rights, "with_grant", _grants_add_up),
    Mutant("central does not hear of a closing", SharedStock, "apply",
           _does_not_hear_of_a_closing),
    Mutant("central's clock may be set back", Meta, "clock_ms", lambda _: lambda meta: 0),
    Mutant("leases outlive a clock that is set back", Leases, "end_all", _nothing()),
    Mutant("promises outlive a clock that is set back", Fulfillments, "end_confirmations",
           _nothing(), CLOCKS),
    Mutant("a promised right can be promised again", Rights, "online",
           lambda _: property(lambda rights: max(0, rights.granted - rights.returned))),
    Mutant("central gives back what it has promised", Rights, "with_return",
           lambda _: lambda rights, units: replace(rights, returned=rights.returned + units),
           OVERTAKEN),
    Mutant("a broken promise stays where it is", Replication, "_repair",
           _gives_up_rights_alone),
    Mutant("a cashier's word on what gives way counts for nothing", escrow, "sacrifice_rank",
           lambda known: lambda order, named="": known(order),
           frozenset({"a_cashier_names_what_gives_way"})),
    Mutant("a broken promise moves before unused rights go", SharedStock, "broken",
           _keeps_unused_rights),
    Mutant("rights are worth more than the book has", stock, "_position",
           _promises_what_its_book_lacks, frozenset({"a_count_finds_less"})),
    Mutant("a lease outlives central's restore", backup, "_HAS_LEASES",
           lambda _: "SELECT 1 WHERE 0", SOON),
    Mutant("a lease outlives its device", Leases, "end", _nothing(), DEVICES),
    Mutant("a new device goes on with old rights", enrolment, "renew", _nothing(), NEW),
    Mutant("what is set aside of rights goes on", SharedStock, "set_aside", _nothing(), ASIDE),
    Mutant("a device that is shut out speaks of rights", Settling, "_is_void",
           _nothing(False), OLD),
)  # fmt: skip


# --- the store's half --------------------------------------------------------------------


def _counts_by_the_wall(_: Any) -> Any:
    def is_overdue(keeper: ShareKeeper, policy: EscrowPolicy) -> bool:
        token = keeper.book.token()
        return keeper.clock.now_ms() - token.token_ms >= policy.reclaim_after_ms

    return is_overdue


def _begins_at_the_greeting(_: Any) -> Any:
    def expect(keeper: ShareKeeper, generation: int) -> None:
        with keeper.journal.writing():
            keeper.journal.rights.open_generation(generation)

    return expect


def _begins_without_a_word(_: Any) -> Any:
    def begin_expected(keeper: ShareKeeper) -> int:
        following = keeper.journal.rights.expected()
        if following is not None:
            with keeper.journal.writing():
                keeper.journal.rights.open_generation(following)
        return 0

    return begin_expected


def _knows_of_its_own_attempts_alone(_: Any) -> Any:
    def note_attempt(keeper: ShareKeeper, seq: int) -> None:
        keeper.attempted_seq = max(keeper.attempted_seq or 0, seq)

    return note_attempt


def _takes_unknown_for_unsent(_: Any) -> Any:
    def may_have_confirmed(keeper: ShareKeeper, key: str) -> bool:
        confirmed = keeper.journal.first_seq(key, CONFIRMED)
        return confirmed is not None and confirmed <= (keeper.attempted_seq or 0)

    return may_have_confirmed


def _sends_a_token_for_held_rights(_: Any) -> Any:
    def token_to_send(keeper: ShareKeeper, is_last_push: bool) -> int:
        is_waited_for = keeper.journal.rights.expected() is not None
        return 0 if is_waited_for or not is_last_push else keeper.book.token().token_ms

    return token_to_send


def _keeps_the_highest_token(known: Any) -> Any:
    def heard(keeper: ShareKeeper, token_ms: int, life: int = 0) -> None:
        if token_ms >= keeper.book.token().token_ms:
            known(keeper, token_ms, life)

    return heard


def _has_what_it_asked_for(known: Any) -> Any:
    def recall(keeper: ShareKeeper, shares: Sequence[Share]) -> None:
        known(keeper, shares)
        granted = keeper.journal.rights.granted([one.sku for one in shares])
        less = [
            (one.sku, granted[one.sku][0] - one.shortage) for one in shares if one.sku in granted
        ]
        keeper.journal.rights.keep_grants(keeper.journal.rights.generation(), less)

    return recall


def _shares_though_it_is_away(known: Any) -> Any:
    def failed(daemon: SyncDaemon, *problem: Any, **how: Any) -> Any:
        daemon._keeper.share_out()
        return known(daemon, *problem, **how)

    return failed


OF_STORES = (
    Mutant("nothing is ever taken back", ShareKeeper, "take_back", _nothing()),
    Mutant("confirmation time is not waited for", EscrowPolicy, "reclaim_after_ms",
           lambda _: property(lambda policy: policy.lease_ms)),
    Mutant("taking back goes by the wall clock", ShareKeeper, "_is_overdue", _counts_by_the_wall),
    Mutant("a reboot does not begin the count anew", ShareKeeper, "_note_boot", _nothing()),
    Mutant("all clocks are taken to run alike", escrow, "MILLION", lambda _: 10**15),
    Mutant("a token travels with a backlog", ShareKeeper, "token_to_send",
           lambda _: lambda keeper, *, is_last_push: keeper.book.token().token_ms),
    Mutant("a token travels before a generation begins", ShareKeeper, "token_to_send",
           lambda _: lambda keeper, *, is_last_push: is_last_push and keeper.book.token().token_ms,
           SOON),
    Mutant("a token travels while rights are held back", ShareKeeper, "token_to_send",
           _sends_a_token_for_held_rights, HELD),
    Mutant("a token of the future is kept", ShareKeeper, "heard", _keeps_the_highest_token),
    Mutant("a grant does not lower the floor", Share, "floor",
           lambda _: property(lambda share: share.on_hand - share.allocated)),
    Mutant("a store that is away grants", SyncDaemon, "_failed", _shares_though_it_is_away),
    Mutant("nothing is asked back", ShareKeeper, "_recall", _nothing()),
    Mutant("what is asked back is there at once", ShareKeeper, "_recall", _has_what_it_asked_for),
    Mutant("sales count only once central has them", Shares, "_sold", _nothing(0)),
    Mutant("no sale goes beyond the floor", Share, "over", _nothing(0)),
    Mutant("promises are not confirmed", Shares, "unconfirmed", _nothing(())),
    Mutant("an unconfirmed promise is kept for ever", ShareKeeper, "_give_up_unconfirmed",
           _nothing()),
    Mutant("a sent confirmation is no confirmation", ShareKeeper, "_may_have_confirmed",
           _nothing(False)),
    Mutant("attempts are not noted", ShareKeeper, "note_attempt", _nothing(),
           frozenset({"a_confirmation_waits_its_turn"})),
    Mutant("a process knows of its own attempts alone", ShareKeeper, "note_attempt",
           _knows_of_its_own_attempts_alone, frozenset({"a_process_forgets_what_it_sent"})),
    Mutant("what was sent before a start was not sent", ShareKeeper, "_may_have_confirmed",
           _takes_unknown_for_unsent),
    Mutant("a generation begins at the greeting", ShareKeeper, "_expect", _begins_at_the_greeting),
    Mutant("a generation begins without a word", ShareKeeper, "begin_expected",
           _begins_without_a_word, frozenset({"an_empty_store_meets_a_restored_central"})),
    Mutant("a restored central is met with old rights", ShareKeeper, "expect_anew", _nothing(),
           SOON),
    Mutant("a store ignores central's generation", ShareKeeper, "join", _nothing(), NEW),
    Mutant("a device that is shut out shares on", SyncDaemon, "_may_share", _nothing(True),
           frozenset({"a_machine_is_shut_out_unheard"})),
    Mutant("rows that a power cut takes are built on", ReplicaDatabase, "flush", _nothing(), POWER),
    Mutant("generations that come back begin at once", GivenRights, "take_in",
           lambda _: GivenRights.replay, DISKS),
)  # fmt: skip

MUTANTS = (*OF_CENTRAL, *OF_STORES)
