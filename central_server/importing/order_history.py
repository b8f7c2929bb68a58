"""Orders of the past: lines of a file gathered into orders, and placed again.

Lines of one order need not stand together in the file, so good lines are kept
in a temporary SQLite file and come out by order, in the order of each one's
first line. The idempotency key of an order is derived from the source's own
number, so that an order is placed once however often its file is imported.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, cast

import sqlcipher3.dbapi2 as sqlite

from central_server.importing.checker import CheckedRow
from central_server.importing.problems import RowProblem
from central_server.importing.records import UNITS_OF_A_LINE_MAX, OrderLineRecord
from central_server.importing.reports import Counts, ProblemReport
from central_server.importing.runner import Progress, Written
from central_server.services.idempotency import IMPORTED

LINES_MAX = 100
"""Lines that the order service takes; a larger order of the past is refused, with its number."""
_TABLES = (
    "CREATE TABLE lines (number TEXT NOT NULL, row INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE orders (number TEXT PRIMARY KEY, first INTEGER NOT NULL) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One order of a file."""

    number: str
    row: int
    """The row of its first line: where a problem of the whole order is reported."""
    location_id: str
    currency: str
    customer_name: str
    customer_email: str
    customer_phone: str
    lines: tuple[tuple[str, int], ...]
    """SKU and units, equal SKUs added up."""

    @property
    def idempotency_key(self) -> str:
        """The key that makes placing the order twice the same as once."""
        text = f"{self.location_id}\n{self.number}"
        return IMPORTED + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def body(self) -> dict[str, object]:
        """Return the body of `POST /v1/orders`."""
        customer = {
            "name": self.customer_name,
            "email": self.customer_email,
            "phone": self.customer_phone,
        }
        return {
            "location_id": self.location_id,
            "currency": self.currency,
            "external_ref": self.number,
            "customer": {name: value for name, value in customer.items() if value},
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in self.lines],
        }


class OrderPlacer(Protocol):
    """Places one order: through the capture service, or over HTTP."""

    def place(self, order: PastOrder) -> str:
        """Return an empty text where the order stands at central, else why it does not."""
        ...


class OrderStage:
    """A `Sink` that keeps good lines until the file has been read to its end."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="holdshelf-import-", dir=folder)
        self._connection = sqlite.connect(
            str(Path(self._folder.name) / "lines.db"), isolation_level=None
        )
        self._connection.execute("PRAGMA synchronous = OFF")
        for statement in _TABLES:
            self._connection.execute(statement)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the temporary file."""
        self._connection.close()
        self._folder.cleanup()

    def resume_after(self) -> int:
        """Lines are always gathered anew."""
        return 0

    def write(self, rows: Sequence[CheckedRow], offset: int, counts: Counts) -> Written:
        """Keep lines."""
        del offset, counts
        records = [(row.number, cast("OrderLineRecord", row.record)) for row in rows]
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO lines VALUES (?, ?, ?)",
            [(record.order_number, row, record.model_dump_json()) for row, record in records],
        )
        self._connection.executemany(
            "INSERT INTO orders VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(record.order_number, row) for row, record in records],
        )
        self._connection.execute("COMMIT")
        return Written(len(rows), 0)

    def finish(self, offset: int, counts: Counts) -> None:
        """Prepare reading by order."""
        del offset, counts
        self._connection.execute("CREATE INDEX lines_by_number ON lines (number, row)")
        self._connection.execute("CREATE INDEX orders_by_first ON orders (first)")

    def __len__(self) -> int:
        """Return how many orders there are."""
        return int(self._connection.execute("SELECT count(*) FROM orders").fetchone()[0])

    def orders(self, after: int = 0) -> Iterator[PastOrder | RowProblem]:
        """Yield the orders after the first `after`; a problem where lines contradict each other."""
        numbers = self._connection.execute(
            "SELECT number, first FROM orders ORDER BY first LIMIT -1 OFFSET ?", (after,)
        )
        for number, first in numbers:
            bodies = self._connection.execute(
                "SELECT body FROM lines WHERE number = ? ORDER BY row", (number,)
            )
            yield _gathered(
                first, [OrderLineRecord.model_validate_json(body) for (body,) in bodies]
            )


def _gathered(first: int, lines: Sequence[OrderLineRecord]) -> PastOrder | RowProblem:
    head = lines[0]
    if len({(line.location_id, line.currency) for line in lines}) > 1:
        problem = "its lines name several locations or currencies"
        return RowProblem(first, "order_number", head.order_number, problem)
    units: dict[str, int] = {}
    for line in lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    if len(units) > LINES_MAX:
        problem = f"{len(units)} lines, and an order has at most {LINES_MAX}"
        return RowProblem(first, "order_number", head.order_number, problem)
    if max(units.values()) > UNITS_OF_A_LINE_MAX:
        problem = f"more than {UNITS_OF_A_LINE_MAX} units of one SKU"
        return RowProblem(first, "order_number", head.order_number, problem)
    return PastOrder(
        head.order_number, first, head.location_id, head.currency, head.customer_name,
        head.customer_email, head.customer_phone, tuple(units.items()),
    )  # fmt: skip


def place_orders(
    stage: OrderStage,
    placer: OrderPlacer,
    report: ProblemReport,
    *,
    threads: int = 1,
    window: int = 200,
    progress: Progress | None = None,
) -> int:
    """Place every staged order, `threads` at a time; return how many stand at central."""
    placed = done = 0
    orders = stage.orders()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        while part := list(islice(orders, window)):
            sound = [order for order in part if isinstance(order, PastOrder)]
            for problem in (order for order in part if isinstance(order, RowProblem)):
                report.order(problem)
            for order, refused in zip(sound, pool.map(placer.place, sound), strict=True):
                if refused:
                    report.order(RowProblem(order.row, "order_number", order.number, refused))
                else:
                    placed += 1
            done += len(part)
            if progress is not None:
                progress(done)
    report.counts.orders = placed
    return placed
