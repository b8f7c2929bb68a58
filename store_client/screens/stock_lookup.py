"""Find: products over the whole catalogue as you type, and orders by number or name."""

from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from store_client.ports import BoardRow, ProductHit
from store_client.replica.models import Sale
from store_client.screens.base import TerminalScreen, begin
from store_client.screens.dialogs import EntryDialog, Question
from store_client.screens.reserve_item import ReserveDialog
from store_client.screens.sell import BrokenPromiseScreen
from store_client.services.sales import (
    Basket,
    Override,
    Sold,
    begin_sale,
    finish_sale,
    new_transaction,
    read_units,
)
from store_client.services.scanner import Code
from store_client.services.stock_lookup import Found, age_of_stock, look_up
from store_client.services.words import STATUS, money, stock, stock_terms
from store_client.widgets.bars import Hint
from store_client.widgets.tones import tone_style
from store_client.widgets.work_list import Cell, Column, Looks, WorkList
from sync.domain.fulfillment import FulfillmentOrder
from sync.domain.stock_operations import SkuUnits

DEBOUNCE_SECONDS = 0.06
ORDERS_MAX = 5


def _product_cells(hit: ProductHit) -> Sequence[Cell]:
    free = stock(hit)
    return (
        Cell(hit.name, bold=True),
        Cell(str(free), free.tone),
        Cell("–" if hit.on_hand is None else str(hit.on_hand)),
        Cell(hit.aisle or "–", "" if hit.aisle else "dim"),
        Cell(money(hit.price_minor, hit.currency)),
        Cell(hit.sku, "dim"),
    )


_PRODUCTS = Looks(
    (
        Column("PRODUCT", 38, share=1),
        Column("MAY BE SOLD", 18),
        Column("BOOK", 4, leaves=1, right=True),
        Column("AISLE", 6),
        Column("PRICE", 9, right=True),
        Column("SKU", 10, leaves=2),
    ),
    key=lambda hit: hit.sku,
    cells=_product_cells,
    empty="",
)


def _order_cells(row: BoardRow) -> Sequence[Cell]:
    status = STATUS[row.status]
    return (
        Cell(row.order_number, bold=True),
        Cell(row.customer_name),
        Cell(str(status), status.tone),
        Cell(row.staging_spot or "–"),
    )


_ORDERS = Looks(
    (
        Column("ORDER", 10),
        Column("CUSTOMER", 16, share=1),
        Column("STATUS", 22, share=1),
        Column("SPOT", 4),
    ),
    key=lambda row: row.id,
    cells=_order_cells,
)


class StockLookupScreen(TerminalScreen):
    """One field, orders above, products below."""

    HELP_TEXT = (
        "Type two letters of a product's name, brand or SKU, or scan it anywhere in the terminal."
        " Orders with that number or customer stand above. It works without the network: figures"
        " are as old as the line at the bottom says, with this store's own work included. Units"
        " for walk-ins are this store's to sell; those online may be promised at any moment. F6"
        " sells the product under the cursor, where your till does not tell this terminal itself;"
        " F7 reserves it for a customer who pays later."
    )
    BINDINGS = [
        Binding("escape", "back", "Back"),
        Binding("f6", "sell", "Sell this product at the counter", id="sell"),
        Binding("f7", "reserve", "Reserve this product for a customer", id="reserve"),
        Binding("down", "results", "Results", show=False),
    ]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text
        self._scanned = text
        """What was scanned and is being looked up: where it is nothing, the bell says so."""
        self._timer: Timer | None = None
        self._news = ""
        """What was sold last; said until something else is looked for."""

    def compose_body(self) -> ComposeResult:
        """Show the field and both lists."""
        with Horizontal(id="find-field"):
            hint = "product, SKU, barcode, order, customer"
            field = Input(self._text, placeholder=hint, id="find")
            field.cursor_blink = False
            yield field
        with Vertical(id="find-results"):
            yield WorkList(_ORDERS, id="found-orders")
            yield WorkList(_PRODUCTS, id="found-products")
            yield Static("", id="found-detail")
        yield Static("", id="find-says", markup=False)
        yield Static("", id="stock-age")

    def on_mount(self) -> None:
        """Search for what the screen was opened with."""
        super().on_mount()
        self.query_one("#found-orders").display = False
        field = self.query_one("#find", Input)
        field.focus()
        field.cursor_position = len(self._text)
        self._search(self._text)

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Type", "or scan"),
            Hint("↓", "Results", "screen.results"),
            Hint("F6", "Sell", "screen.sell"),
            Hint("F7", "Reserve", "screen.reserve"),
            Hint("Esc", "Back", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    @on(Input.Changed, "#find")
    def _changed(self, event: Input.Changed) -> None:
        if self._timer is not None:
            self._timer.stop()
        text = event.value
        self._news = ""
        self._timer = self.set_timer(DEBOUNCE_SECONDS, lambda: self._search(text))

    @on(Input.Submitted, "#find")
    def _submitted(self, event: Input.Submitted) -> None:
        self._search(event.value)
        self.action_results()

    def take_code(self, code: Code) -> None:
        """Look a scanned code up; an order's is opened."""
        if code.order_number:
            self.host.open_code(code)
            return
        self._scanned = code.text
        field = self.query_one("#find", Input)
        field.value = code.text
        field.cursor_position = len(code.text)

    def store_changed(self) -> None:
        """Show figures as they are now."""
        if self.in_front:
            self._search(self.query_one("#find", Input).value)

    def _search(self, text: str) -> None:
        begin(self, partial(self._read, text), "find", exclusive=True)

    async def _read(self, text: str) -> None:
        host = self.host
        store, now_ms = host.store, host.clock.now_ms()

        def read() -> tuple[Found, Sequence[BoardRow], tuple[str, bool]]:
            found = look_up(store, text)
            bare = text.strip()
            orders = store.find_orders(bare, ORDERS_MAX) if len(bare) > 1 else ()
            return found, orders, age_of_stock(store, now_ms)

        found, orders, (age, worrying) = await host.off_loop(read)
        if not self.query("#found-orders"):
            return  # another screen has taken this one's place meanwhile
        if self._scanned and self._scanned.strip() == found.text:
            if not found.hits and not orders:
                self.app.bell()
            self._scanned = ""
        self._show(found, orders)
        style = tone_style("warn" if worrying else "dim")
        glyph = "! " if worrying else ""
        self.query_one("#stock-age", Static).update(Content.assemble((glyph + age, style)))

    def _show(self, found: Found, orders: Sequence[BoardRow]) -> None:
        above = self.query_one("#found-orders", WorkList)
        above.display = bool(orders)
        above.styles.height = len(orders) + 1
        above.show_rows(orders)
        self.query_one("#found-products", WorkList).show_rows(found.hits)
        self.query_one("#find-says", Static).update(self._news or found.says)
        self._detail()

    @on(WorkList.Moved, "#found-products")
    def _detail(self) -> None:
        hit: ProductHit | None = self.query_one("#found-products", WorkList).current
        detail = self.query_one("#found-detail", Static)
        detail.display = hit is not None
        if hit is not None:
            detail.update(_detail_of(hit))

    @on(WorkList.Chosen, "#found-orders")
    def _open(self, event: WorkList.Chosen) -> None:
        row = event.list.current
        if row is not None:
            host = self.host
            host.open_order(getattr(row, "flow", host.flows[0].name), row.id)

    # --- selling ------------------------------------------------------------------------

    def action_sell(self) -> None:
        """Sell units of the product under the cursor."""
        hit: ProductHit | None = self.query_one("#found-products", WorkList).current
        if hit is None:
            self.query_one("#find-says", Static).update("Find the product first, then sell it.")
            return
        desk = self.desk
        number = new_transaction(desk.device, desk.clock.now_ms())

        def submit(text: str) -> tuple[Sale, Sold | Basket]:
            sale = Sale(number, (SkuUnits(hit.sku, read_units(text)),))
            return sale, begin_sale(self.desk, sale)

        question = Question(
            f"Sell at the counter: {hit.name}", "How many?", value="1", text=stock_terms(hit)
        )
        self.app.push_screen(EntryDialog(question, submit), self._begun)

    def _begun(self, begun: tuple[Sale, Sold | Basket] | None) -> None:
        """Say that it is sold, or ask who answers for the promise that it breaks."""
        if begun is None:
            return
        sale, result = begun
        if isinstance(result, Sold):
            self._sold(result)
            return

        def submit(override: Override | None) -> Sold:
            return finish_sale(self.desk, sale, override)

        screen = BrokenPromiseScreen(result, submit)
        self.app.push_screen(screen, partial(self._sold, basket=result))

    def _sold(self, sold: Sold | None, basket: Basket | None = None) -> None:
        if sold is None:
            self._news = "Nothing was sold."
        else:
            units = sum(line.units for line in sold.operation.lines)
            self._news = f"✓ Sold {units} at the counter.{_what_follows(basket)}"
        self.query_one("#find-says", Static).update(self._news)
        self._search(self.query_one("#find", Input).value)

    def action_reserve(self) -> None:
        """Hold units of the product under the cursor for a customer who stands here."""
        hit: ProductHit | None = self.query_one("#found-products", WorkList).current
        if hit is None:
            self.query_one("#find-says", Static).update("Find the product first, then reserve it.")
            return
        self.app.push_screen(ReserveDialog(hit), self._reserved)

    def _reserved(self, order: FulfillmentOrder | None) -> None:
        if order is None:
            self._news = "Nothing was reserved."
            self.query_one("#find-says", Static).update(self._news)
        else:
            self.host.open_order(order.flow, order.id)

    def action_results(self) -> None:
        """Go to what was found."""
        orders = self.query_one("#found-orders", WorkList)
        (orders if orders.display else self.query_one("#found-products", WorkList)).focus()

    def action_back(self) -> None:
        """Go back to the field, then to where we came from."""
        field = self.query_one("#find", Input)
        if self.focused is not field and self.focused is not None:
            field.focus()
        else:
            self.dismiss()


def _what_follows(basket: Basket | None) -> str:
    if basket is None:
        return ""
    if basket.broken:
        return " Central looks for another store for the order."
    return " Central is told that it may have been promised online."


def _detail_of(hit: ProductHit) -> Content:
    free = stock(hit)
    barcodes = ", ".join(hit.gtins) or "no barcode"
    return Content.assemble(
        (f"{free.glyph} ", tone_style(free.tone, bold=True)),
        (f"{hit.name}\n", "bold"),
        f"  {stock_terms(hit)}\n",
        (f"  {hit.brand} · {hit.category} · {hit.sku} · {barcodes}", tone_style("dim")),
    )
