"""Drawer: its session, what each means brought, by whom, and the count that ends it."""

from collections.abc import Callable, Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from store_client.screens.base import begin
from store_client.screens.dialogs import Choice, ChooseDialog, EntryDialog, Question
from store_client.screens.recording import RecordingScreen
from store_client.services import drawer, drawer_book, tender_report
from store_client.services.card_settling import settle_cards
from store_client.services.cash import REASONS, read_amount, read_positive_amount, signed
from store_client.services.desk import Desk, Refusal
from store_client.services.drawer_book import Session
from store_client.services.tender_report import Report, TenderLine
from store_client.services.words import day_time, money
from store_client.widgets.bars import Hint
from store_client.widgets.panels import Says
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.money_operations import CashReason

Row = tuple[str, TenderLine]


class DrawerScreen(RecordingScreen):
    """The drawer of this terminal."""

    HELP_TEXT = (
        "A drawer's day is its session: it begins with a float and ends when it is counted. The"
        " list says what each means brought, in all and by associate. What is counted beside what"
        " should be there is written down to the last cent, and printed as the tender report. It"
        " needs no network."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("enter", "next", "Open the drawer, or count it", id="drawer_next"),
        Binding("f6", "cash", "Put cash in or take it out", id="drawer_cash"),
        Binding("f7", "print", "Print the report as it stands", id="drawer_print"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._settling = False
        """Whether it is being recorded what became of cards."""

    def compose_body(self) -> ComposeResult:
        """Show facts, tenders and sums."""
        looks = Looks(
            (
                Column("BY", 20, share=1),
                Column("MEANS", 14),
                Column("NO", 4, right=True),
                Column("TAKEN", 12, right=True),
                Column("GIVEN BACK", 12, right=True, leaves=1),
                Column("TOGETHER", 12, right=True),
            ),
            key=lambda row: f"{row[0]}/{row[1].means}",
            cells=self._cells,
            empty="No payments yet.",
        )
        yield Static("", id="drawer-facts")
        yield WorkList(looks, id="drawer-tenders")
        yield Static("", id="drawer-sums")
        yield Says("", id="drawer-says")

    def on_mount(self) -> None:
        """Read."""
        super().on_mount()
        self.query_one("#drawer-tenders", WorkList).focus()
        self.store_changed()

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        session = self._session
        is_open = session is not None and session.is_open
        offered = [Hint("Enter", "Count" if is_open else "Open the drawer", "screen.next")]
        if is_open:
            offered.append(Hint("F6", "Cash in or out", "screen.cash"))
        if session is not None:
            offered.append(Hint("F7", "Print report", "screen.print"))
        return (*offered, Hint("Esc", "Back", "screen.back"), Hint("F1", "Help", "app.help"))

    def _cells(self, row: Row) -> Sequence[Cell]:
        who, line = row
        currency = self._currency
        return (
            Cell(who, bold=who == "All"),
            Cell(line.means.replace("_", " ").capitalize()),
            Cell(str(line.count)),
            Cell(money(line.taken_minor, currency)),
            Cell(money(line.returned_minor, currency) if line.returned_minor else "–"),
            Cell(money(line.net_minor, currency), bold=True),
        )

    # --- reading ------------------------------------------------------------------------

    def store_changed(self) -> None:
        """Read again, and ask what has become of cards."""
        begin(self, self._read, "drawer", exclusive=True)
        if self.desk.actor.may_work and not self._settling:
            self._settling = True
            begin(self, self._settle, "settle")

    @property
    def has_waiting(self) -> bool:
        """Whether a command is being recorded, or what became of cards."""
        return super().has_waiting or self._settling

    async def _settle(self) -> None:
        desk = self.desk
        try:
            settled = await self.host.off_loop(lambda: settle_cards(desk))
        except Exception as error:  # noqa: BLE001 - a full disk must be said, whatever it raises
            self.stay()
            self.host.note_error(error)
            what = f"Settled cards are not recorded: {error}."
            self.query_one(Says).bad(what, "They are asked for again each time.")
        else:
            if settled:
                begin(self, self._read, "drawer", exclusive=True)
        finally:
            self._settling = False
            self.recorded()

    async def _read(self) -> None:
        desk = self.desk

        def read() -> tuple[Session | None, dict[str, str]]:
            found = drawer_book.sessions(desk.store, desk.device)
            names = {one.id: one.name for one in desk.store.associates()}
            return (found[-1] if found else None), names

        session, names = await self.host.off_loop(read)
        self._session = session
        report = None if session is None else tender_report.report_of(session)
        self._show_facts(session, report)
        rows: list[Row] = []
        if report is not None:
            rows += [("All", line) for line in report.tenders]
            for person, lines in report.by_associate.items():
                rows += [(names.get(person, person), line) for line in lines]
        self.query_one("#drawer-tenders", WorkList).show_rows(rows)
        self.offer_hints()

    def _show_facts(self, session: Session | None, report: Report | None) -> None:
        facts, sums = (
            self.query_one("#drawer-facts", Static),
            self.query_one("#drawer-sums", Static),
        )
        device = self.desk.device
        sums.display = report is not None
        if session is None or report is None:
            words = Content.assemble(
                (f"Drawer {device} ", "bold"), ("○ not open", tone_style("warn", bold=True)),
                "   Enter opens it with a float.",
            )  # fmt: skip
            facts.update(words)
            return
        host, now_ms = self.host, self.host.clock.now_ms()
        since = day_time(host.store_row, session.opened_ms, now_ms)
        said, tone = ("● open", "good") if session.is_open else ("■ counted", "done")
        facts.update(
            Content.assemble(
                (f"Drawer {device} ", "bold"),
                (f"{said} ", tone_style(tone, bold=True)),
                f"  session {session.number} since {since}",
            )
        )
        sums.update(_sums(report))

    # --- doing --------------------------------------------------------------------------

    @property
    def _currency(self) -> str:
        return self._session.currency if self._session else drawer_book.DEFAULT_CURRENCY

    @on(WorkList.Chosen, "#drawer-tenders")
    def _chosen(self, event: WorkList.Chosen) -> None:
        event.stop()
        self.action_next()

    def action_next(self) -> None:
        """Open the drawer, or count it."""
        if self._session is not None and self._session.is_open:
            unsent = tender_report.unsent_words(self._session.unsent)
            kept = f" {unsent}: kept here, and sent by itself." if unsent else ""
            told = f"Count first; what should be there is shown afterwards.{kept}"
            self._ask(
                Question("Count the drawer", "What is in it, all of it", "such as 312.40",
                         text=told),
                drawer.count_drawer, _counted,
            )  # fmt: skip
        else:
            self._ask(
                Question("Open the drawer", "Float: what is in it now", "such as 100", value="100"),
                drawer.open_drawer,
                lambda session: f"Open with {money(session.float_minor, session.currency)}",
            )

    def action_cash(self) -> None:
        """Put cash in, or take it out."""
        if self._session is None or not self._session.is_open:
            self.query_one(Says).bad("The drawer is not open.", "Enter opens it.")
            return
        choices = [Choice(reason.value, words) for reason, words in REASONS.items()]
        self.app.push_screen(ChooseDialog("What happens to the cash?", choices), self._moved)

    def _moved(self, chosen: str | None) -> None:
        if chosen is None:
            return
        reason = CashReason(chosen)
        words = REASONS[reason]
        self._ask(
            Question(words, "How much", "such as 50"),
            lambda desk, minor: drawer.move_cash(desk, signed(reason, minor), reason),
            lambda _: f"Noted: {words.lower()}",
            read_positive_amount,
        )

    def _ask(
        self,
        question: Question,
        act: Callable[..., Session],
        says: Callable[[Session], str],
        read: Callable[[str, str], int] = read_amount,
    ) -> None:
        session = self._session

        def submit(text: str) -> Session:
            desk, is_open = self.desk, session is not None and session.is_open
            currency = self._currency if is_open else drawer_book.currency_of(desk.store)
            return act(desk, read(text, currency))

        self.app.push_screen(EntryDialog(question, submit), partial(self._done, says))

    def _done(self, says: Callable[[Session], str], session: Session | None) -> None:
        if session is not None:
            self.query_one(Says).good(says(session))
            self.store_changed()

    def action_print(self) -> None:
        """Print the report as it stands."""
        session = self._session
        if session is not None:
            self.do(lambda desk: _print_report(desk, session), str)


def _print_report(desk: Desk, session: Session) -> str:
    text = tender_report.report_text(tender_report.report_of(session), desk.store)
    try:
        where = desk.devices.receipts.print(f"tenders-{desk.device}-{session.number}", text)
    except OSError as error:
        todo = "Nothing else is lost; tell a manager."
        raise Refusal(f"Not printed: {error}.", todo) from error
    if not where:
        raise Refusal("No printer is set up here.", "Set one up in store.toml.")
    return f"Printed: {where}"


def _counted(session: Session) -> str:
    report = tender_report.report_of(session)
    difference = report.difference_minor
    unsent = tender_report.unsent_words(report.unsent)
    closed = f"The drawer is closed; {unsent}" if unsent else "The drawer is closed"
    if not difference:
        return f"Counted: to the cent as expected. {closed}"
    word = "too much" if difference > 0 else "missing"
    return f"Counted: {money(abs(difference), session.currency)} {word}. {closed}"


def _sums(report: Report) -> Content:
    currency = report.currency
    rows = [
        ("Sales", report.sales_minor), ("Paid, goods still here", report.prepaid_minor),
        ("Rounding", report.rounding_minor), ("Float", report.float_minor),
        ("Put in or taken out", report.cash_moved_minor),
    ]  # fmt: skip
    if report.counted_minor is not None:
        rows += [
            ("Expected", report.expected_minor), ("Counted", report.counted_minor),
            ("Difference", report.difference_minor),
        ]  # fmt: skip
    lines = [
        Content.assemble(
            (f"{name:<24}", tone_style("dim")), (f"{money(minor, currency):>14}", "bold")
        )
        for name, minor in rows
    ]
    tone, words = (
        ("good", "✓ Tenders are sales, to the minor unit")
        if report.is_balanced
        else ("bad", "✗ Tenders are not sales: tell a manager")
    )
    lines.append(Content.assemble((words, tone_style(tone, bold=True))))
    if report.unsent:
        told = f"○ {tender_report.unsent_words(report.unsent)}: kept here, and sent by itself"
        lines.append(Content.assemble((told, tone_style("warn"))))
    return Content("\n").join(lines)
