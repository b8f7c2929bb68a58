"""The store's exceptions in words, and saying that one is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random, SystemRandom

from store_client.ports import BoardRow, InboxItem, ProductHit
from store_client.services.codes import orders_of_code
from store_client.services.desk import Desk, Refusal
from store_client.services.scanner import read_code
from store_client.services.shelf import quantity
from store_client.services.words import Said, duration, units
from sync.domain.exceptions import (
    HOUR_MS,
    NOTE_LENGTH_MAX,
    ExceptionAssigned,
    ExceptionKind,
    ExceptionOwner,
    FollowUpOpened,
    known_policy,
)
from sync.domain.ids import new_id
from sync.domain.people import MAY_WORK, Action, Role

DUE_HOURS = 24
HOURS_MAX = 24 * 28
ITEM_NAME_MAX = 120
"""So many characters of an item's name stand in a follow-up: some names are as long as a note."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What somebody wants to be done."""

    text: str
    about: str = ""
    due_hours: int = DUE_HOURS
    owner: str = ""


def title(item: InboxItem) -> str:
    """Return what an exception is, in a few words."""
    policy = known_policy(item.kind)
    return policy.title if policy else item.kind.replace("_", " ").capitalize()


def headline(item: InboxItem) -> str:
    """Return what stands in a list: what somebody wrote down, else what kind of thing it is."""
    is_own = item.kind == ExceptionKind.FOLLOW_UP
    return " ".join(item.text.split()) if is_own else title(item)


def to_do(item: InboxItem) -> str:
    """Return what to do about it, and what ends it."""
    policy = known_policy(item.kind)
    if not is_ours(item):
        return "Central looks after it: there is nothing for you to do unless they call."
    if policy is None:
        return "Do what it says, then say what was done."
    if policy.ends:
        return f"{policy.to_do} {policy.ends[:1].upper()}{policy.ends[1:]}."
    return f"{policy.to_do} Then say here what was done."


def is_ours(item: InboxItem) -> bool:
    """Return whether people of this store have to act."""
    return item.owner == ExceptionOwner.STORE


def waits(item: InboxItem) -> bool:
    """Return whether somebody here still has to do something."""
    return is_ours(item) and not item.is_done


def can_be_done(item: InboxItem) -> bool:
    """Return whether a person's word ends it."""
    policy = known_policy(item.kind)
    return waits(item) and not (policy and policy.ends)


def rank(item: InboxItem) -> tuple[bool, int, str]:
    """Return where an exception stands in the list: what waits here first, by due time."""
    return not waits(item), item.due_ms, item.id


def state(item: InboxItem) -> Said:
    """Return how it stands."""
    if item.is_done:
        return Said("…", "Done, central hears of it", "good", short="Done, on its way")
    if not is_ours(item):
        return Said("!", "At central", "dim")
    if item.assignee:
        return Said("○", f"For {item.assignee}", "work")
    return Said("○", "To do", "work")


def due(item: InboxItem, now_ms: int) -> Said:
    """Return how long there is left, or how late it is."""
    if not waits(item):
        return Said("–", "", "dim")
    if item.due_ms <= now_ms:
        return Said("!", f"{duration(now_ms - item.due_ms)} late", "bad")
    return Said("", f"in {duration(item.due_ms - now_ms)}")


def summary(items: Sequence[InboxItem], now_ms: int) -> Sequence[tuple[str, str]]:
    """Return how many wait, are late, are done and are central's, each with its tone."""
    waiting = [item for item in items if waits(item)]
    late = sum(item.due_ms <= now_ms for item in waiting)
    done = sum(item.is_done for item in items)
    central = sum(not is_ours(item) for item in items)
    said = [(f"{len(waiting)} to do here", "work" if waiting else "dim")]
    said += [(f"! {late} late", "bad")] if late else []
    said += [(f"{done} done, on the way to central", "good")] if done else []
    said += [(f"{central} at central", "dim")] if central else []
    return said


def badge(items: Sequence[InboxItem], now_ms: int) -> Said | None:
    """Return what the status bar says of the inbox; nothing where nobody has to do anything."""
    waiting = [item for item in items if waits(item)]
    if not waiting:
        return None
    tone = "bad" if any(item.due_ms <= now_ms for item in waiting) else "warn"
    return Said("!", f"{units(len(waiting), 'task')}: F9", tone, short=f"{len(waiting)}: F9")


def resolve(desk: Desk, exception_id: str, note: str) -> None:
    """Say that an exception is done, and what was done."""
    desk.require(Action.RESOLVE)
    text = _kept(note, "Say in a few words what was done.")
    desk.store.resolve_exception(exception_id, text, by=desk.actor.id, dev=desk.device)


def said(text: str, item: ProductHit | None = None) -> str:
    """Return the words of a follow-up; refuse none, and more than is kept with the item's."""
    return _kept(text, "Say in a few words what is to be done.", item)


def _kept(text: str, ask: str, item: ProductHit | None = None) -> str:
    words, beside = text.strip(), len(_item_words(item))
    if not words:
        raise Refusal("Nothing is said yet.", ask)
    over = len(words) + beside - NOTE_LENGTH_MAX
    if over > 0:
        where = "With the item's name it" if beside else "That"
        least = f"Say it in at most {NOTE_LENGTH_MAX - beside} characters."
        raise Refusal(f"{where} is {units(over, 'character')} too long.", least)
    return words


def _item_words(item: ProductHit | None) -> str:
    """Return what is added to a follow-up that is about an item."""
    return "" if item is None else f" ({item.name[:ITEM_NAME_MAX]}, {item.sku})"


def write_down(desk: Desk, wish: FollowUp, random: Random | None = None) -> str:
    """Write a follow-up down, for anybody, a person or a role; return its id. Works offline."""
    desk.require(Action.RESOLVE)
    now_ms = desk.clock.now_ms()
    order_number, fulfillment_id, item = "", "", None
    if wish.about.strip():
        rows, item = named(desk, wish.about)
        if len(rows) > 1:
            ids = ", ".join(row.id for row in rows)
            raise Refusal(f"{len(rows)} orders are called {rows[0].order_number}.", f"Give {ids}.")
        if rows:
            order_number, fulfillment_id = rows[0].order_number, rows[0].id
    text = said(wish.text, item) + _item_words(item)
    if not 1 <= wish.due_hours <= HOURS_MAX:
        why = f"It cannot be due in {wish.due_hours} hours."
        raise Refusal(why, f"Say a number from 1 to {HOURS_MAX}.")
    key = new_id(now_ms, random or SystemRandom())
    due_ms = now_ms + wish.due_hours * HOUR_MS
    told = FollowUpOpened(
        key, text, due_ms, owner_named(desk, wish.owner), fulfillment_id, order_number
    )
    desk.store.record_task(told, by=desk.actor.id, dev=desk.device)
    return key


def named(desk: Desk, about: str) -> tuple[list[BoardRow], ProductHit | None]:
    """Return the orders, or else the item, that a follow-up may be about; refuse where none is.

    `about` is an order's number or id, or an item's SKU or barcode; all may be scanned. Two
    parts of an order that was divided have one number.
    """
    code = read_code(about)
    rows, hits = orders_of_code(desk.store, code), desk.store.product_by_code(code.lookup)
    if not rows and not hits:
        raise Refusal(f"Nothing here is called {code.text[:20]}.", "Leave it empty, or scan.")
    return rows, None if rows else hits[0]


def assign(desk: Desk, exception_id: str, owner: str) -> None:
    """Give a task to a person, a role, or back to anybody."""
    desk.require(Action.RESOLVE)
    told = ExceptionAssigned(exception_id, owner_named(desk, owner))
    desk.store.record_task(told, by=desk.actor.id, dev=desk.device)


def owners(desk: Desk) -> list[str]:
    """Return who can have a task: roles that work, then the people of the store."""
    roles = [role.value for role in Role if role in MAY_WORK]
    people = [one.name for one in desk.store.associates() if one.active and one.role in MAY_WORK]
    return [*roles, *people]


def owner_named(desk: Desk, text: str) -> str:
    """Return the person (by name or number) or role that `text` names; empty: anybody."""
    wanted = text.strip().casefold()
    if not wanted:
        return ""
    by_number = {one.id.casefold(): one.name for one in desk.store.associates() if one.active}
    named = {one.casefold(): one for one in owners(desk)} | by_number
    if wanted not in named:
        roles = ", ".join(role.value for role in Role if role in MAY_WORK)
        raise Refusal(f"Nobody here is called {text.strip()[:30]}.", f"A person, or {roles}.")
    return named[wanted]


def hours(text: str) -> int:
    """Return a number of hours as somebody typed it."""
    return quantity(text, most=HOURS_MAX)
