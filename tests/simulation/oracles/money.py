"""O7: money. Ledgers balance at each commit, and say of each order what the order says itself."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from central_server.records import StoredOperation
from store_client.services.drawer_book import entries_of
from sync.domain.money_ledger import CUSTOMERS, ROUNDING, SALES, balances
from sync.domain.paying import balance_of, owed_back
from sync.domain.tenders import TenderKind, TenderState
from tests.simulation.memory import location_of
from tests.simulation.model import read_books
from tests.simulation.registry import Oracle, When

if TYPE_CHECKING:
    from sync.edge.journal import Journal
    from tests.simulation.world import World

CHECKED = "money was checked at commit"


def every_entry_has_its_counterpart(world: "World") -> Iterator[str]:
    """After each commit: each operation's entries add up to zero, balances are their sums."""
    commits = world.central.fuse.commits
    if world.notes.get(CHECKED) == commits:
        return
    world.notes[CHECKED] = commits
    with world.central.database.read() as view:
        for source in view.money.unbalanced():
            yield f"{source}: its entries do not add up to zero"
        for account in view.money.value_differences():
            yield f"stored value {account}: its balance is not the sum of its entries"


def the_ledger_is_what_orders_say(world: "World") -> Iterator[str]:
    """After quiet: sales, prepayments, rounding and each means, by location."""
    books = read_books(world)
    for store in world.stores:
        want: Counter[str] = Counter()
        for stored in books.orders.values():
            order = stored.row.order
            if order.location_id != store.location_id or order.reserve is None:
                continue
            if balance_of(order) < 0:
                yield f"{order.id}: goods left that were not paid"
            want[CUSTOMERS] -= balance_of(order)
            want[SALES] -= order.spent_minor
            for one in order.reserve.tenders:
                if one.state is TenderState.TAKEN:
                    want[ROUNDING] -= one.rounding_minor
                    if one.means not in {TenderKind.CASH, TenderKind.CARD}:
                        want[one.means.value] += one.amount_minor
        with world.central.database.read() as view:
            have = view.money.balances(store.location_id)
        for account in (CUSTOMERS, SALES, ROUNDING, "gift_card", "store_credit"):
            if want[account] != have.get(account, 0):
                yield (
                    f"{store.location_id} {account}: the ledger has {have.get(account, 0)},"
                    f" its orders say {want[account]}"
                )


def _is_anothers(journal: "Journal", one: StoredOperation) -> bool:
    life = journal.lives.named(one.replica_id, one.epoch)
    return life is None or journal.hash_at(one.seq, life) != one.hash


def both_ledgers_agree(world: "World") -> Iterator[str]:
    """After quiet: the store's own ledger is central's, account by account.

    Left out are stores that have forgotten old operations, or of which central holds some back,
    and those where another machine, a copy, did work that this one does not have.
    """
    worked = read_books(world).operations
    for store in world.stores:
        journal = store.store.journal
        if journal.oldest_seq(journal.lives.newest) != 1 or store.store.sync_state().quarantined:
            continue
        if any(_is_anothers(journal, one) for one in worked
               if location_of(one.replica_id) == store.location_id):  # fmt: skip
            continue
        here = balances(one for entry in entries_of(store.store) for one in entry.postings)
        with world.central.database.read() as view:
            there = view.money.balances(store.location_id)
        if here != there:
            yield f"{store.location_id}: its ledger has {here}, central's {there}"


def what_is_owed_waits_for_somebody(world: "World") -> Iterator[str]:
    """After quiet: money of parcels that are not sent is an open exception, and nothing else is."""
    books = read_books(world)
    owed = {
        stored.row.order.id
        for stored in books.orders.values()
        if stored.row.order.shipment is not None and owed_back(stored.row.order)
    }
    waiting = {
        one.fulfillment_id
        for one in books.exceptions
        if one.kind == "money_owed" and one.closed_ms is None
    }
    for key in sorted(owed ^ waiting):
        yield f"{key}: owed money: {key in owed}, somebody is asked for it: {key in waiting}"


ORACLES = (
    Oracle("O7 what is owed waits for somebody", When.QUIET, what_is_owed_waits_for_somebody),
    Oracle("O7 entries have counterparts", When.STEP, every_entry_has_its_counterpart),
    Oracle("O7 the ledger is what orders say", When.QUIET, the_ledger_is_what_orders_say),
    Oracle("O7 both ledgers agree", When.QUIET, both_ledgers_agree),
)
