"""Why an order went where it went, or for what it waits, in sentences for a planner. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from central_server.records import Order, OrderHold
from central_server.services.decisions import too_late
from central_server.services.order_views import Document
from central_server.services.times import rfc3339, rfc3339_or_none
from central_server.sourcing.receipts import Receipt
from central_server.sourcing.routing import Finding
from central_server.sourcing.routing_rules import HoldKind

_WORDS = {
    "chosen": "the customer chose it and it can promise everything",
    "nearest": "it is the nearest that can promise everything",
}
_PASSED = {
    Finding.DAY_FULL.value: "has no room left in its day",
    Finding.NO_PICKUP.value: "offers no pickup of it",
    Finding.TOO_LATE.value: "would have it ready too late",
    Finding.EXCLUDED.value: "gave it up, or is left out by the rules",
    "": "has none of it",
}


def pickup_sentence(trace: Document) -> str:
    """Return why a pickup goes where it goes, in a sentence, and why not where it was to go."""
    taken, found = trace.get("taken"), trace.get("candidates")
    entries: Sequence[Document] = found if isinstance(found, list) else []
    passed = _why_passed(trace, entries)
    if trace.get("is_waiting"):
        return f"It is reserved at {trace['chosen']}, on the waiting list.{passed}"
    if not taken:
        return f"No store can promise all of it.{passed}{_by_when(trace, entries)}"
    finding = next((one["finding"] for one in entries if one["location_id"] == taken), "")
    others = [one for one in entries if one["finding"] == "farther"]
    text = f"{taken} gets it ready: {_WORDS.get(str(finding), 'it was the best')}.{passed}"
    if others:
        best = others[0]
        text += f" The next best choice is {best['location_id']}, {best['distance_km']} km away."
    return text + _by_when(trace, entries)


def reservation_sentence(trace: Document) -> str:
    """Return what would become of a reservation: nobody but the chosen store is asked."""
    if trace.get("taken") or trace.get("is_waiting"):
        return pickup_sentence(trace)
    found = trace.get("candidates")
    passed = _why_passed(trace, found if isinstance(found, list) else [])
    return f"It is not reserved, and no other store is asked.{passed}"


def transfer_words(place_id: str, lacking: Mapping[str, int], *, is_reserved: bool) -> str:
    """Return what would become of an order whose chosen store gets what it lacks from others."""
    words = ", ".join(f"{units} of {sku}" for sku, units in lacking.items())
    waits = "it is on the waiting list there until" if is_reserved else "it waits there until"
    return f"{place_id}, which the customer chose, lacks {words}: {waits} a transfer brings that."


def is_where_chosen(trace: Document) -> bool:
    """Return whether a pickup goes where its customer chose, so that nobody else was asked."""
    return bool(trace.get("taken")) and trace["taken"] == trace.get("chosen")


def other_words(other: Document | None, *, was_placed: bool) -> str:
    """Return what else there is for a pickup that goes where its customer chose.

    `other` is the best by stock and rules of now, with room in its day and in time.
    """
    words = "no other store could take it."
    if other is not None:
        far = other["distance_km"]
        words = f"the next best choice is {other['location_id']}, {far} km away."
    if was_placed:
        return f" No other store was asked. As it is now, {words}"
    return f" {words[0].upper()}{words[1:]}"


def _by_when(trace: Document, entries: Sequence[Document]) -> str:
    """Return by which day it must be ready, and who would be too late; empty: any day."""
    day = trace.get("need_by")
    if not day:
        return ""
    if trace.get("is_late"):
        return f" It was needed by {day}, by when nobody has it ready."
    return f" It must be ready by {day}.{too_late(entries)}"


def _why_passed(trace: Document, entries: Sequence[Document]) -> str:
    """Return why the store that the customer chose does not get it; empty: it does."""
    chosen = trace.get("chosen")
    if not chosen or chosen == trace.get("taken"):
        return ""
    entry = next((one for one in entries if one["location_id"] == chosen), {"finding": ""})
    lacking = entry.get("shortfall")
    if isinstance(lacking, dict):
        words = "lacks " + ", ".join(f"{units} of {sku}" for sku, units in lacking.items())
    else:
        words = _PASSED.get(str(entry["finding"]), "was passed")
    return f" {chosen}, which the customer chose, {words}."


def waits_for(
    order: Order, holds: Iterable[OrderHold], receipts: Iterable[Receipt],
    places: Collection[str] = (), again_ms: int | None = None,
) -> list[str]:  # fmt: skip
    """Return for what an order waits that no location has yet, or has not all of; empty: nothing.

    `receipts` are those that it claims and that are on their way, `places` where all that it
    claims is due, or was; a place that is paused is asked again at `again_ms`.
    """
    found = [_held(one) for one in holds if one.closed_ms is None]
    found += [_coming(one) for one in receipts]
    unsourced = sum(line.unsourced for line in order.lines)
    if unsourced and places and not found:
        found = [_no_more_coming(places, again_ms)]
    elif unsourced and not found:
        units = "1 unit" if unsourced == 1 else f"{unsourced} units"
        found = [f"Nobody has {units} of it now: that is among what cannot be filled."]
    return found


def _held(one: OrderHold) -> str:
    stores = one.data.get("stores")
    text = f"It is held: {one.text}"
    if isinstance(stores, list):
        text += f" These are {', '.join(map(str, stores))}."
    until = rfc3339_or_none(one.until_ms)
    if one.kind == HoldKind.OFFER and not until:
        return f"{text} Stores may claim it once nothing else holds it."
    return f"{text} That ends at {until}." if until else f"{text} A person clears it."


def _coming(one: Receipt) -> str:
    source = f" ({one.reference})" if one.reference else ""
    return (
        f"It waits for goods on their way to {one.location_id}: {one.units} of {one.sku} by"
        f" receipt {one.id}{source}, due at {rfc3339(one.due_ms)}."
    )


def _no_more_coming(places: Collection[str], again_ms: int | None) -> str:
    names = ", ".join(sorted(places))
    text = f"The goods for it that were on their way to {names} came, or were called off: "
    if again_ms is None:
        return f"{text}who takes it is decided next."
    return f"{text}it is decided when a pause there is over, at {rfc3339(again_ms)}."
