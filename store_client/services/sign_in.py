"""Signing in with a PIN, verified on this machine: no network, no bypass, a durable lock-out."""

from dataclasses import dataclass
from typing import NoReturn

from store_client.ports import Store
from store_client.services.desk import Actor, Refusal
from store_client.services.words import duration
from sync.protocol.rows import AssociateRow

FAILURES_MAX = 5
LOCKED_MINUTES = 30
LOCKED_MS = LOCKED_MINUTES * 60_000
PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 12


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
    person = next((a for a in store.associates() if a.id == attempt.associate_id), None)
    if person is None or not person.active:
        raise Refusal(
            "This person cannot sign in at this store.", "Ask a manager to check the staff list."
        )
    _refuse_locked(store, person, now_ms)
    if not _pin_matches(person.pin_hash, attempt.pin):
        _count(store, person, now_ms)
    store.clear_failures(person.id)
    return Actor(person.id, person.name, person.role)


def _refuse_locked(store: Store, person: AssociateRow, now_ms: int) -> None:
    lockout = store.lockout(person.id)
    if lockout.failures < FAILURES_MAX:
        return
    left_ms = lockout.until_ms - now_ms
    if left_ms <= 0:
        store.clear_failures(person.id)
        return
    # A clock that was set back would lock for longer than the rule says: say the rule.
    wait = duration(min(left_ms, LOCKED_MS))
    raise Refusal(
        f"{person.name} is locked out after {FAILURES_MAX} wrong PINs.",
        f"Wait {wait}, or let somebody else sign in.",
    )


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
