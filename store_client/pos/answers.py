"""What the point of sale is answered: a basket that was checked, a sale that is kept, a refusal.

Pure: documents in, documents out. `server` carries them over HTTP.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from store_client.ports import Store
from store_client.pos.records import PosLine, PosSale, Unreadable, read_lines, read_sale, text_in
from store_client.services.calendar import zone_of
from store_client.services.desk import Refusal
from store_client.services.sales import (
    POS,
    Basket,
    BasketLine,
    OtherSale,
    Override,
    OverrideNeeded,
    Seller,
    Sold,
    examine,
    find_item,
    first_name,
    says,
    sell,
    together,
    what_is_sold,
)
from store_client.services.sign_in import PIN_DIGITS_MAX, Attempt
from sync.clock import Clock
from sync.domain.errors import OperationRefused
from sync.domain.stock_operations import SkuUnits

Document = dict[str, Any]
UNREADABLE_CODE = "unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a JSON document."""

    status: HTTPStatus
    document: Document

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem document (RFC 9457)."""
        return self.status >= HTTPStatus.BAD_REQUEST


def problem(status: HTTPStatus, code: str, detail: str, **more: object) -> Answer:
    """Return a problem document with words in it."""
    document = {"type": "about:blank", "title": status.phrase, "status": status.value}
    return Answer(status, {**document, "code": code, "detail": detail, **more})


class PosDesk:
    """Answers a point of sale about one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def health(self) -> Answer:
        """Say whether sales can be taken, and how the store stands with central."""
        state = self._store.sync_state()
        return Answer(
            HTTPStatus.OK,
            {
                "status": "ok" if state.bootstrapped else "loading",
                "location_id": self._store.location_id,
                "backlog": state.backlog,
                "last_contact_at": _time(state.last_contact_ms),
            },
        )

    def check(self, document: object) -> Answer:
        """Say what selling a basket would break. Changes nothing."""
        return self._guarded(self._check, document)

    def sales(self, document: object) -> Answer:
        """Keep a sale: 201 the first time, 200 and the same answer after that."""
        return self._guarded(self._sell, document)

    def _guarded(self, call: Any, document: object) -> Answer:
        if not self._store.sync_state().bootstrapped:
            why = "This store's data has not arrived yet. Try again in a minute."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "loading", why)
        try:
            if not isinstance(document, dict):
                raise Unreadable("the body is not a JSON object")
            answer: Answer = call(document)
            return answer
        except Unreadable as wrong:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, UNREADABLE_CODE, _sentence(wrong))
        except OtherSale as other:
            return problem(HTTPStatus.CONFLICT, other.code, _sentence(other))
        except OverrideNeeded as needed:
            return problem(
                HTTPStatus.CONFLICT, needed.code, str(needed), check=self._told(needed.basket)
            )
        except Refusal as refused:
            return problem(HTTPStatus.FORBIDDEN, "override_refused", str(refused))
        except OperationRefused as refused:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, refused.code, _sentence(refused))

    def _check(self, document: Document) -> Answer:
        lines = self._units(read_lines(document))
        return Answer(HTTPStatus.OK, self._told(examine(self._store, lines)))

    def _sell(self, document: Document) -> Answer:
        told = read_sale(document, zone_of(self._store.store_row()))
        till = text_in(document, "till") if document.get("till") else POS
        sold = self.sell(told, till, read_override(document))
        return Answer(HTTPStatus.CREATED if sold.first else HTTPStatus.OK, sale_document(sold))

    def sell(self, told: PosSale, till: str, override: Override | None) -> Sold:
        """Keep a sale that was told to a till; raise what `store_client.services.sales` raises."""
        sale = told.as_sale(what_is_sold(self._store, told.transaction, told.coded()))
        return sell(self._store, sale, Seller(dev=till), self._clock.now_ms(), override)

    def _units(self, lines: tuple[PosLine, ...]) -> tuple[SkuUnits, ...]:
        found = (SkuUnits(find_item(self._store, line.code).sku, line.units) for line in lines)
        return together(found)

    def _told(self, basket: Basket) -> Document:
        row, now_ms = self._store.store_row(), self._clock.now_ms()
        lines = [{**line_document(line), "says": says(line, row, now_ms)} for line in basket.lines]
        return {
            "may_sell": not basket.needs_override,
            "override_needed": basket.needs_override,
            "lines": lines,
        }


def read_override(document: Mapping[str, object]) -> Override | None:
    """Return who answers for breaking a promise, where somebody does."""
    given = document.get("override")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Unreadable("override: an object with associate and pin is missing")
    pin = given.get("pin")
    if not isinstance(pin, str) or not 0 < len(pin) <= PIN_DIGITS_MAX:
        raise Unreadable(f"override: pin is missing, or longer than {PIN_DIGITS_MAX} digits")
    override = Override(Attempt(text_in(given, "associate"), pin))
    return replace(override, breaks=text_in(given, "breaks")) if given.get("breaks") else override


def line_document(line: BasketLine) -> Document:
    """Return a line of a basket for programs. Of a customer no more than a first name."""
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.units,
        "free": line.free,
        "over": line.over,
        "may_be_promised_online": line.unheard,
        "strict": line.strict,
        "override_needed": line.needs_override,
        "breaks": [
            {
                "order_number": one.order.order_number,
                "fulfillment_id": one.order.id,
                "customer": first_name(one.order.customer_name),
                "promised_by": _time(one.order.promised_by_ms),
                "quantity": one.units,
            }
            for one in line.broken
        ],
    }


def sale_document(sold: Sold) -> Document:
    """Return a sale as it is kept: from the journal alone, so that it is always the same."""
    operation = sold.operation
    return {
        "transaction": operation.transaction,
        "lines": [{"sku": one.sku, "quantity": one.units} for one in operation.lines],
        "over": [{"sku": one.sku, "quantity": one.units} for one in operation.over],
        "breaks": operation.breaks or None,
    }


def _time(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    moment = dt.datetime.fromtimestamp(at_ms / 1000, tz=dt.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
