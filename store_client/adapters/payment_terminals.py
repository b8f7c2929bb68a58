"""A payment terminal that is simulated: it approves, declines, and falls silent, on purpose.

For demos, training and tests, and the one adapter so far. It keeps what it
charged in a file, as a device does in its memory, so that a terminal that was
restarted can ask it again. What it does follows from the last two digits of the
amount, as with test cards:

    .51  declined            .53  silent before charging     .55  approved offline, declined later
    .52  silent after it     .54  approved offline           any other: approved
"""

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from store_client.devices import CardAnswer, CardOutcome, Settlement, TerminalSilent


class Behavior(IntEnum):
    """What amounts that end in these digits lead to."""

    DECLINE = 51
    SILENT_AFTER = 52
    SILENT_BEFORE = 53
    OFFLINE = 54
    OFFLINE_DECLINED_LATER = 55


OFFLINE = frozenset({Behavior.OFFLINE, Behavior.OFFLINE_DECLINED_LATER})


class SimulatedTerminal:
    """Implements `PaymentTerminal`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def charge(
        self, payment: str, amount_minor: int, currency: str, *, allow_offline: bool
    ) -> CardAnswer:
        """Charge once for each name."""
        digits = amount_minor % 100
        with self._memory() as payments:
            known = payments.get(payment)
            if known is not None:
                return _answer(known)
            if digits == Behavior.SILENT_BEFORE:
                raise TerminalSilent("the payment terminal did not answer")
            is_offline = digits in OFFLINE
            approved = digits != Behavior.DECLINE and (allow_offline or not is_offline)
            made = payments[payment] = {
                "approved": approved, "offline": is_offline and approved, "amount": amount_minor,
                "currency": currency, "digits": digits,
                "reference": f"SIM-{len(payments) + 1:06}" if approved else "",
            }  # fmt: skip
        if digits == Behavior.SILENT_AFTER:
            raise TerminalSilent("the payment terminal did not answer")
        return _answer(made)

    def recall(self, payment: str) -> CardAnswer:
        """Return what became of a payment."""
        known = self._payments().get(payment)
        return CardAnswer(CardOutcome.UNKNOWN) if known is None else _answer(known)

    def void(self, payment: str) -> bool:
        """Give back what a payment charged."""
        with self._memory() as payments:
            known = payments.get(payment)
            if known is None or not known["approved"]:
                return False
            known["voided"] = True
        return True

    def settlements(self) -> Sequence[Settlement]:
        """Return what became of offline payments, until `settled`."""
        return [
            Settlement(
                one["reference"], one["amount"], one["currency"],
                one["digits"] == Behavior.OFFLINE_DECLINED_LATER,
            )
            for one in self._payments().values()
            if one["offline"] and not one.get("settled") and not one.get("voided")
        ]  # fmt: skip

    def settled(self, reference: str) -> None:
        """Forget a settlement."""
        with self._memory() as payments:
            for one in payments.values():
                if one["reference"] == reference:
                    one["settled"] = True

    def charges(self) -> dict[str, int]:
        """Return what was charged and not given back, by payment: what tests count."""
        return {
            payment: one["amount"]
            for payment, one in self._payments().items()
            if one["approved"] and not one.get("voided")
        }

    def _payments(self) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        found: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return found

    @contextmanager
    def _memory(self) -> Iterator[dict[str, Any]]:
        """Give what it remembers, to be changed by one process at a time, and keep it."""
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            payments = self._payments()
            before = json.dumps(payments)
            yield payments
            text = json.dumps(payments)
            if text != before:
                fresh = self._path.with_suffix(".tmp")
                fresh.write_text(text, encoding="utf-8")
                fresh.replace(self._path)


def _answer(made: dict[str, Any]) -> CardAnswer:
    if not made["approved"]:
        return CardAnswer(CardOutcome.DECLINED, text="Declined.")
    return CardAnswer(CardOutcome.APPROVED, made["reference"], made["offline"], "Approved.")
