"""The tender report of a drawer's session: what came in by each means, and what should be there.

Its debits are its credits; what was counted beside what should have been there is the
one figure that people bring in.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from store_client.ports import Store
from store_client.services.drawer_book import Entry, Session
from store_client.services.words import money, units
from sync.domain.money_ledger import BAD_DEBT, balances, cash_account
from sync.domain.money_operations import CardSettled, CashMoved, DrawerCounted, DrawerOpened
from sync.domain.tenders import TenderKind

WIDTH = 42
RULE = "-" * WIDTH


@dataclass(frozen=True, slots=True)
class TenderLine:
    """What one means brought: taken, given back, and together, in minor units."""

    means: str
    count: int
    taken_minor: int
    returned_minor: int

    @property
    def net_minor(self) -> int:
        """What is left of it."""
        return self.taken_minor - self.returned_minor


@dataclass(frozen=True, slots=True)
class Report:
    """The tender report of a session. All amounts in minor units of its currency."""

    drawer: str
    session: int
    currency: str
    opened_ms: int
    closed_ms: int
    float_minor: int
    cash_moved_minor: int
    tenders: tuple[TenderLine, ...]
    by_associate: dict[str, tuple[TenderLine, ...]] = field(default_factory=dict)
    sales_minor: int = 0
    prepaid_minor: int = 0
    """Taken for goods that have not left yet; negative: goods left that were paid before."""
    rounding_minor: int = 0
    expected_minor: int = 0
    counted_minor: int | None = None
    unsent: int = 0
    """Operations of it that central has not heard of: they are kept here, and go by themselves."""

    @property
    def difference_minor(self) -> int:
        """Counted beyond what was expected; negative: missing."""
        return 0 if self.counted_minor is None else self.counted_minor - self.expected_minor

    @property
    def is_balanced(self) -> bool:
        """Whether tenders are sales, prepayments and rounding, to the minor unit."""
        tendered = sum(one.net_minor for one in self.tenders)
        return tendered == self.sales_minor + self.prepaid_minor + self.rounding_minor


def report_of(session: Session) -> Report:
    """Return the report of a session, open or ended."""
    people = sorted({entry.move.by for entry in session.entries})
    sums = balances(posting for entry in session.entries for posting in entry.postings)
    moved = sum(
        entry.move.operation.amount_minor
        for entry in session.entries
        if isinstance(entry.move.operation, CashMoved)
    )
    return Report(
        drawer=session.drawer,
        session=session.number,
        currency=session.currency,
        opened_ms=session.opened_ms,
        closed_ms=session.closed_ms,
        float_minor=session.float_minor,
        cash_moved_minor=moved,
        tenders=_lines(session.entries, session.drawer),
        by_associate={
            one: lines
            for one in people
            if (
                lines := _lines(
                    [entry for entry in session.entries if entry.move.by == one], session.drawer
                )
            )
        },
        sales_minor=-sums.get("sales", 0),
        prepaid_minor=-sums.get("customers", 0),
        rounding_minor=-sums.get("rounding", 0),
        expected_minor=session.expected_minor,
        counted_minor=None if session.counted is None else session.counted.counted_minor,
        unsent=session.unsent,
    )


def _lines(entries: Iterable[Entry], drawer: str) -> tuple[TenderLine, ...]:
    accounts = {cash_account(drawer): TenderKind.CASH.value}
    accounts |= {one.value: one.value for one in TenderKind if one is not TenderKind.CASH}
    accounts[BAD_DEBT] = TenderKind.CARD.value  # a card that was declined is taken out again
    sums: dict[str, list[int]] = {}
    for entry in entries:
        operation = entry.move.operation
        if isinstance(operation, DrawerOpened | CashMoved | DrawerCounted | CardSettled):
            continue
        for posting in entry.postings:
            means = accounts.get(posting.account)
            if means is not None:
                line = sums.setdefault(means, [0, 0, 0])
                line[0] += 1
                line[1 if posting.amount_minor > 0 else 2] += abs(posting.amount_minor)
    order = [one.value for one in TenderKind]
    return tuple(TenderLine(means, *sums[means]) for means in order if means in sums)


def report_text(report: Report, store: Store) -> str:
    """Return the report as a page of 42 columns."""
    row = store.store_row()
    names = {one.id: one.name for one in store.associates()}

    def amount(minor: int) -> str:
        return money(minor, report.currency)

    lines = [
        (row.name if row else "").center(WIDTH).rstrip(),
        "TENDER REPORT".center(WIDTH).rstrip(),
        _pair(f"Drawer {report.drawer}", f"session {report.session}"),
        RULE,
        *_tender_text(report.tenders, amount),
        _pair("Tendered", amount(sum(one.net_minor for one in report.tenders))),
        RULE,
        _pair("Sales", amount(report.sales_minor)),
        _pair("Paid, goods still here", amount(report.prepaid_minor)),
        _pair("Rounding", amount(report.rounding_minor)),
        RULE,
        _pair("Float", amount(report.float_minor)),
        _pair("Put in or taken out", amount(report.cash_moved_minor)),
        _pair("Expected in the drawer", amount(report.expected_minor)),
    ]
    if report.counted_minor is not None:
        lines += [
            _pair("Counted", amount(report.counted_minor)),
            _pair("Difference", amount(report.difference_minor)),
        ]
    for person, tenders in report.by_associate.items():
        lines += [RULE, names.get(person, person), *_tender_text(tenders, amount)]
    verdict = "Balances to the minor unit." if report.is_balanced else "DOES NOT BALANCE."
    unsent = [f"{unsent_words(report.unsent)}.", "Kept here; sent by itself."]
    return "\n".join([*lines, RULE, *(unsent if report.unsent else ()), verdict, ""])


def unsent_words(count: int) -> str:
    """Return that so many operations are not at central yet; nothing where all are."""
    if not count:
        return ""
    are = "is" if count == 1 else "are"
    return f"{units(count, 'operation')} {are} not sent yet"


def _tender_text(tenders: Sequence[TenderLine], amount: Callable[[int], str]) -> list[str]:
    return [
        _pair(f"{one.means.replace('_', ' ').capitalize()} ({one.count})", amount(one.net_minor))
        for one in tenders
    ]


def _pair(left: str, right: str) -> str:
    return f"{left[: WIDTH - len(right) - 1]:<{WIDTH - len(right)}}{right}"
