"""Signing in with a PIN, verified on this machine: no network, no bypass, a durable lock-out."""

from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from store_client.ports import Store
from store_client.services.desk import Actor, Refusal
from store_client.services.scanner import clean
from store_client.services.words import duration
from sync.domain.card_numbers import refuse_card_numbers
from sync.domain.people import Action, Approval, may
from sync.protocol.rows import AssociateRow

FAILURES_MAX = 5
LOCKED_MINUTES = 30
LOCKED_MS = LOCKED_MINUTES * 60_000
PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 12
REASON_CHARACTERS_MAX = 120


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in."""

    associate_id: str
    pin: str


def list_associates(store: Store) -> list[AssociateRow]:
    """Return who may sign in, by name; people who left are not offered."""
    active = (associate for associate in store.associates() if associate.active)
    return sorted(active, key=lambda associate: (associate.name.casefold(), associate.id))


def find_associate(people: list[AssociateRow], text: str) -> list[AssociateRow]:
    """Return those whose number or name begins with what was typed; an exact number alone."""
    wanted = text.strip().casefold()
    exact = [person for person in people if person.id.casefold() == wanted]
    if exact or not wanted:
        return exact or people
    return [
        person
        for person in people
        if wanted in person.id.casefold() or wanted in person.name.casefold()
    ]


def sign_in(store: Store, attempt: Attempt, now_ms: int) -> Actor:
    """Return who signed in, or raise `Refusal`. Slow on purpose: call it in a thread."""
    person = _meant(store, attempt.associate_id)
    if person is None or not person.active:
        raise Refusal(
            "This person cannot sign in at this store.", "Ask a manager to check the staff list."
        )
    _refuse_locked(store, person, now_ms)
    if not _pin_matches(person.pin_hash, attempt.pin):
        _count(store, person, now_ms)
    _forget_failures(store, person)
    return Actor(person.id, person.name, person.role)


def approve(
    store: Store, attempt: Attempt, action: Action, why: str, *, asker: Actor, now_ms: int
) -> Approval:
    """Return the approval of somebody who has the right, for what `asker` is about to do.

    The PIN is checked, counted and locked out as at the sign-in. Nobody approves
    for themselves, and what an auditor does nobody approves. Call it in a thread.
    """
    if not asker.may_work:
        raise Refusal(f"{asker.name} may only read.", "Ask an associate to sign in and do this.")
    reason = clean(why)[:REASON_CHARACTERS_MAX]
    if not reason:
        raise Refusal("No reason given.", "Say in a few words why.")
    refuse_card_numbers(reason)
    meant = _meant(store, attempt.associate_id)
    if meant is not None and meant.id == asker.id:
        raise Refusal("Nobody approves for themselves.", "Ask a second person.")
    approver = sign_in(store, attempt, now_ms)
    if not may(approver.role, action):
        raise Refusal(
            f"{approver.name} ({approver.role.value}) may not approve this.",
            "Ask somebody with the right.",
        )
    return Approval(approver.id, reason, action)


def is_locked_out(store: Store, associate_id: str) -> bool:
    """Return whether somebody typed too many wrong PINs."""
    return store.lockout(associate_id).failures >= FAILURES_MAX


def unlock(store: Store, person: AssociateRow, approval: Approval) -> None:
    """Let somebody try again who was locked out; who let them, and why, stays as a note."""
    if approval.action is not Action.UNLOCK_PERSON:
        raise Refusal("That was approved for something else.", "Ask a manager for this.")
    store.clear_failures(person.id)
    store.alert(f"{approval.by} let {person.name} try PINs again: {approval.why}")


def _meant(store: Store, number: str) -> AssociateRow | None:
    """Return whose number this is. Capitals matter only where two numbers differ by nothing else.

    Lists of staff are kept as they came; an exact number is therefore always that person's.
    """
    people, wanted = store.associates(), number.strip().casefold()
    alike = [person for person in people if person.id.casefold() == wanted]
    exact = [person for person in alike if person.id == number.strip()]
    found = exact or alike
    return found[0] if len(found) == 1 else None


def _refuse_locked(store: Store, person: AssociateRow, now_ms: int) -> None:
    lockout = store.lockout(person.id)
    if lockout.failures < FAILURES_MAX:
        return
    left_ms = lockout.until_ms - now_ms
    if left_ms <= 0:
        _forget_failures(store, person)
        return
    # A clock that was set back would lock for longer than the rule says: say the rule.
    wait = duration(min(left_ms, LOCKED_MS))
    raise Refusal(
        f"{person.name} is locked out after {FAILURES_MAX} wrong PINs.",
        f"Wait {wait}, or let somebody else sign in.",
    )


def _forget_failures(store: Store, person: AssociateRow) -> None:
    # Where the disk does not take it the count stays: they are locked out after fewer wrong PINs
    # than others, never after more. To keep somebody out whose PIN is right would be no safer.
    with suppress(Exception):
        store.clear_failures(person.id)


def _count(store: Store, person: AssociateRow, now_ms: int) -> NoReturn:
    lockout = store.record_failure(person.id, now_ms)
    left = FAILURES_MAX - lockout.failures
    if left > 0:
        raise Refusal("Wrong PIN.", f"{left} of {FAILURES_MAX} attempts left.")
    raise Refusal(
        f"Wrong PIN. {person.name} is locked out.",
        f"Wait {LOCKED_MINUTES} min, or let somebody else sign in.",
    )


def _pin_matches(pin_hash: str, pin: str) -> bool:
    if not (PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX and pin_hash):
        return False
    from argon2 import PasswordHasher  # not needed before the first sign-in
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
