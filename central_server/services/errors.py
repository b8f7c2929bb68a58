"""What a use case of central may answer instead of doing it. Codes are stable; none knows HTTP.

DomainError
`-- ServiceRefused
    +-- NotFound                 there is no such thing (for this caller)
    +-- UnknownSkus              lines name SKUs that central does not sell
    +-- PickupNotOffered         the location is closed to pickups
    +-- CurbsideNotOffered       nothing is brought out to cars there
    +-- ShippingNotOffered       no location ships in this way
    +-- NotInTime                nobody makes it by the day on which it must be there
    +-- NotPriced                no price in the location's zone
    +-- NotReleased              what is wanted may not be sold yet
    +-- PriceChanged             the client's price is not the one in force
    +-- AlreadyHandedOver        too late to cancel: the customer has the goods
    +-- IdempotencyKeyReused     the same key came with another body
    +-- AlreadyClosed            somebody else has closed this exception
    +-- AlreadyAssigned          somebody else looks after this exception
    +-- NotAssignable            an exception of no store cannot be given to one
    +-- AlreadySettled           somebody else has settled this operation
    +-- WaitsBehind              an earlier operation has to be settled first
    +-- RulesInvalid             rules with findings are not published
    +-- NeedsApproval            who wrote a draft does not publish it
    +-- NotHeld                  no hold keeps this order: locations have it
    +-- OfferGone                another store was first, or the offer is over
    +-- NothingUnsourced         somebody carries all of it, or it waits for something else
    +-- NothingToAwait           goods are awaited only by what cannot be sent now
    +-- OrderChangeInvalid       an order that waits cannot be changed like this
    +-- BundleInvalid            a kit cannot be made of that
    +-- FeedCursorOver           a cursor of the availability feed from another life of central
    +-- ReceiptAwaited           orders wait for these goods at this place
    +-- ReceiptClosed            what came is not on its way again
    +-- NothingToBlock           nothing is left on that gift card or credit
    +-- VersionFixed             only a draft may be changed
    +-- EnrolmentRefused         the one-time code is wrong, used or over
    +-- NotAuthenticated         no key, or not a living one
    `-- ScopeMissing             the key does not allow this
CurrencyMismatch
`-- RatesInOtherCurrency         what carriers take is in another currency than the order
"""

from sync.domain.errors import CurrencyMismatch, DomainError


class ServiceRefused(DomainError):
    """Root of central's own refusals."""

    code = "refused"


class NotFound(ServiceRefused):
    """There is no such thing, or none that this caller may see."""

    code = "not_found"

    def __init__(self, kind: str, key: str) -> None:
        self.kind = kind
        self.key = key
        super().__init__(f"there is no {kind} {key!r}")


class UnknownSkus(ServiceRefused):
    """Lines name SKUs that central does not sell."""

    code = "unknown_sku"

    def __init__(self, skus: tuple[str, ...]) -> None:
        self.skus = list(skus)
        super().__init__(f"unknown SKU: {', '.join(skus)}")


class UnknownLocation(ServiceRefused):
    """The body names a location that does not exist."""

    code = "unknown_location"

    def __init__(self, location_id: str) -> None:
        self.location_id = location_id
        super().__init__(f"there is no location {location_id!r}")


class NotAStore(ServiceRefused):
    """What is asked for is of stores alone, and the location is none."""

    code = "not_a_store"

    def __init__(self, location_id: str, kind: str) -> None:
        self.location_id = location_id
        self.kind = kind
        super().__init__(f"{location_id} is a {kind}: stores alone share their stock by escrow")


class PickupNotOffered(ServiceRefused):
    """The location takes no pickups."""

    code = "pickup_not_offered"

    def __init__(self, location_id: str) -> None:
        self.location_id = location_id
        super().__init__(f"location {location_id!r} offers no pickup")


class CurbsideNotOffered(ServiceRefused):
    """The store brings nothing out to cars, or this order is none that is brought out."""

    code = "curbside_not_offered"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"nothing is brought out to the car for {what!r}")


class ShippingNotOffered(ServiceRefused):
    """No location ships by this method."""

    code = "shipping_not_offered"

    def __init__(self, method: str) -> None:
        self.method = method
        super().__init__(f"no location ships {method!r}")


class NotInTime(ServiceRefused):
    """There are units enough, but nobody has them there by the day that was asked for."""

    code = "not_in_time"

    def __init__(self, need_by: str, possible_by: str) -> None:
        self.need_by = need_by
        self.possible_by = possible_by
        super().__init__(
            f"nobody makes it by {need_by}: without that day, it would be there by {possible_by}"
        )


class RatesInOtherCurrency(CurrencyMismatch):
    """What it costs to send an order cannot be set against what the order is worth."""

    def __init__(self, order: str, rates: str) -> None:
        super().__init__(order, rates)
        self.args = (f"the order is in {order}, what carriers take in {rates}: it is not sent",)


class NotPriced(ServiceRefused):
    """A SKU has no price in the location's zone and currency."""

    code = "not_priced"

    def __init__(self, skus: tuple[str, ...], zone: str, currency: str) -> None:
        self.skus = list(skus)
        self.zone = zone
        self.currency = currency
        super().__init__(f"no {currency} price in zone {zone} for {', '.join(skus)}")


class NotReleased(ServiceRefused):
    """What is wanted may not be sold, picked or handed over before its release date."""

    code = "not_released"

    def __init__(self, skus: tuple[str, ...], release_at: str, hint: str = "") -> None:
        self.skus = list(skus)
        self.release_at = release_at
        super().__init__(f"{', '.join(skus)} may not be sold before {release_at}{hint}")


class PriceChanged(ServiceRefused):
    """The price that the client showed is not the price in force."""

    code = "price_changed"

    def __init__(self, sku: str, asked_minor: int, actual_minor: int) -> None:
        self.sku = sku
        self.asked_minor = asked_minor
        self.actual_minor = actual_minor
        super().__init__(f"the price of {sku} is {actual_minor}, not {asked_minor}")


class AlreadyHandedOver(ServiceRefused):
    """The customer has at least part of the goods: take a return instead."""

    code = "already_handed_over"

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__("the goods were handed over: cancel is not possible, take a return")


class IdempotencyKeyReused(ServiceRefused):
    """The same key came with another body."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used with another request body")


class AlreadyClosed(ServiceRefused):
    """Somebody else has closed the exception."""

    code = "already_closed"

    def __init__(self, closed_by: str, note: str) -> None:
        self.closed_by = closed_by
        self.note = note
        super().__init__(f"{closed_by} has closed it already: {note}")


class AlreadyAssigned(ServiceRefused):
    """Another person looks after the exception."""

    code = "already_assigned"

    def __init__(self, assignee: str) -> None:
        self.assignee = assignee
        super().__init__(f"{assignee} looks after it: take it over, or leave it")


class NotAssignable(ServiceRefused):
    """The exception is about no store, so no store can be asked."""

    code = "not_assignable"

    def __init__(self) -> None:
        super().__init__("this exception belongs to no store")


class AlreadySettled(ServiceRefused):
    """Somebody else has settled the operation in another way."""

    code = "already_settled"

    def __init__(self, verdict: str, settled_by: str, note: str) -> None:
        self.verdict = verdict
        self.settled_by = settled_by
        who = settled_by or "central"
        super().__init__(f"{who} has settled it already: {verdict}. {note}".strip())


class WaitsBehind(ServiceRefused):
    """The operation waits behind an earlier one on the same thing."""

    code = "waits_behind"

    def __init__(self, epoch: int, seq: int) -> None:
        self.epoch = epoch
        self.seq = seq
        super().__init__(f"it waits behind operation {seq}: retry or skip that one first")


class RulesInvalid(ServiceRefused):
    """Rules that do not make sense are not published."""

    code = "rules_invalid"

    def __init__(self, findings: list[dict[str, str]]) -> None:
        self.findings = findings
        words = "; ".join(f"{one['rule']}.{one['field']}: {one['text']}" for one in findings[:5])
        super().__init__(f"correct the rules first: {words}")


class NeedsApproval(ServiceRefused):
    """Somebody who did not write the draft has to publish it."""

    code = "needs_approval"

    def __init__(self, version: int, by: str) -> None:
        self.version = version
        super().__init__(f"{by} wrote version {version}: somebody else has to publish it")


class NotHeld(ServiceRefused):
    """The order does not wait, or not for this."""

    code = "not_held"

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__("nothing of this kind keeps the order waiting: cancel it, or let it go on")


class OfferGone(ServiceRefused):
    """Another store was first, the offer is over, or it was none for this store."""

    code = "offer_gone"

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"order {number} cannot be claimed: another store has it, or it is over")


class NothingUnsourced(ServiceRefused):
    """Of this order nothing waits for somebody to carry it."""

    code = "nothing_unsourced"

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__("nothing of it is unfillable: it is carried, held, awaited, or over")


class NothingToAwait(ServiceRefused):
    """All of it can be sent now: an order that waits for goods would be sent later."""

    code = "nothing_to_await"

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"order {number} can be sent now: route it again")


class ReservedInStore(ServiceRefused):
    """Who reserved in one store to pay there is not given the goods elsewhere, or unpaid."""

    code = "reserved_in_store"

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(f"order {number} is to be paid in its store: cancel it, or reserve anew")


class OrderChangeInvalid(ServiceRefused):
    """An order that waits cannot be changed like this."""

    code = "order_change_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class BundleInvalid(ServiceRefused):
    """A kit cannot be made of that."""

    code = "bundle_invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class FeedCursorOver(ServiceRefused):
    """A cursor of the availability feed that central does not know (any more)."""

    code = "cursor_expired"

    def __init__(self) -> None:
        super().__init__("this cursor is over: take the whole feed again, without a cursor")


class NothingToBlock(ServiceRefused):
    """A gift card or credit with nothing on it pays nothing anyway."""

    code = "nothing_to_block"

    def __init__(self) -> None:
        super().__init__("nothing is left on it: there is nothing to block")


class ReceiptAwaited(ServiceRefused):
    """Orders wait for a receipt: it does not become other goods, or goods for another place."""

    code = "receipt_awaited"

    def __init__(self, receipt_id: str, sku: str, location_id: str) -> None:
        self.receipt_id = receipt_id
        super().__init__(
            f"orders wait for receipt {receipt_id!r}, {sku} at {location_id}: close it if that does"
            " not come, and give other goods a name of their own"
        )


class ReceiptClosed(ServiceRefused):
    """Goods that came, or will not come, are not on their way again."""

    code = "receipt_closed"

    def __init__(self, receipt_id: str) -> None:
        self.receipt_id = receipt_id
        super().__init__(f"receipt {receipt_id!r} is closed: what comes now has a name of its own")


class VersionFixed(ServiceRefused):
    """A version that is not a draft does not change."""

    code = "version_fixed"

    def __init__(self, version: int, state: str) -> None:
        self.version = version
        self.state = state
        super().__init__(f"version {version} is {state} and stays as it is: draft a new one")


class ReadItFirst(ServiceRefused):
    """Who approves says which rules they have read."""

    code = "read_it_first"

    def __init__(self, version: int, reading: str) -> None:
        self.version = version
        super().__init__(
            f"say which rules you approve: read version {version} and name its reading ({reading})"
        )


class ChangedSinceRead(ServiceRefused):
    """The rules are not those any more that somebody read."""

    code = "changed_since_read"

    def __init__(self, version: int, by: str, at: str, reading: str) -> None:
        self.version = version
        self.reading = reading
        super().__init__(
            f"version {version} is not as you read it: {by} changed it at {at}. Read it again"
        )


class EnrolmentRefused(ServiceRefused):
    """The one-time code is wrong, used up or over, or the device cannot take its place."""

    code = "enrolment_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class NotAuthenticated(ServiceRefused):
    """No credentials, or none that are valid."""

    code = "not_authenticated"

    def __init__(self) -> None:
        super().__init__("a valid API key is required: Authorization: Bearer hs_...")


class ScopeMissing(ServiceRefused):
    """The key is valid, but not for this."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"this key lacks the scope {scope!r}")
