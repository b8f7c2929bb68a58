"""A shopper who keeps buying through the public API, like any web shop would."""

import csv
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from random import Random

import httpx

from central_server.sample import sample_path
from sync.domain.orders import PaymentPlace


class Way(StrEnum):
    """How a customer gets what they buy."""

    PICKUP = "pickup"
    PARCEL = "parcel"
    RESERVE = "reserve"
    CURBSIDE = "curbside"
    PARCEL_PAID_THERE = "parcel paid there"
    """Ordered at a counter, sent and paid by the store that has it."""


WAYS = (
    Way.PICKUP, Way.PARCEL, Way.PICKUP, Way.RESERVE, Way.PICKUP, Way.CURBSIDE,
    Way.PARCEL_PAID_THERE,
)  # fmt: skip
"""As a shop's customers choose, one after the other: nearly half of them fetch what they paid."""
LINES_MAX = 3
UNITS_MAX = 2
TRIES = 5


@dataclass(frozen=True, slots=True)
class Bought:
    """An order that central took."""

    order_id: str
    number: str
    location_id: str
    """The store that has it: the chosen one, or the nearest that could promise."""


class Shopper:
    """Places orders of all ways for the sample network's customers."""

    def __init__(self, client: httpx.Client, random: Random) -> None:
        self._client = client
        self._random = random
        self._customers = _rows("customers.csv")
        self._places = {row["location_id"]: row for row in _rows("locations.csv")}
        self._stocked: dict[str, list[str]] = {}
        for row in _rows("stock.csv"):
            if int(row["on_hand"]) > UNITS_MAX:
                self._stocked.setdefault(row["location_id"], []).append(row["sku"])

    def buy(self, location_id: str, way: Way = Way.PICKUP) -> Bought | None:
        """Buy one to three things at a store, or near it; None where nothing could be promised."""
        customer = self._random.choice(self._customers)
        for _ in range(TRIES):
            skus = self._random.sample(
                self._stocked[location_id], self._random.randint(1, LINES_MAX)
            )
            body = {
                "channel": "web",
                **self._handover(location_id, way, customer["name"]),
                "customer": {key: customer[key] for key in ("name", "email", "phone")},
                "lines": [
                    {"sku": sku, "quantity": self._random.randint(1, UNITS_MAX)} for sku in skus
                ],
            }
            key = f"shopper-{self._random.getrandbits(64):016x}"
            answer = self._client.post("/v1/orders", json=body, headers={"Idempotency-Key": key})
            if answer.status_code != httpx.codes.CONFLICT:
                answer.raise_for_status()
                order = answer.json()
                taken_by = order["fulfillments"][0]["location_id"]
                return Bought(order["id"], order["number"], taken_by)
        return None

    def _handover(self, location_id: str, way: Way, name: str) -> dict[str, object]:
        """Return how the goods come to the customer; a parcel goes to a neighbor of the store."""
        in_store = {"payment": PaymentPlace.IN_STORE.value}
        if way in {Way.PARCEL, Way.PARCEL_PAID_THERE}:
            place = self._places[location_id]
            to: dict[str, object] = {key: place[key] for key in ("city", "state", "postal_code")}
            to |= {"name": name, "line1": f"{self._random.randint(1, 99)} Sycamore Street"}
            to |= {key: float(place[key]) for key in ("latitude", "longitude")}
            is_paid = way is Way.PARCEL
            return {"ship_to": {**to, "country": "US"}, **({} if is_paid else in_store)}
        body: dict[str, object] = {"location_id": location_id}
        if way is Way.RESERVE:
            body |= in_store
        elif way is Way.CURBSIDE:
            body["curbside"] = True
        return body

    def cancel(self, order_id: str) -> str:
        """Change one's mind; return what central says of it, in a word."""
        answer = self._client.post(
            f"/v1/orders/{order_id}/cancel", json={"reason": "changed my mind"}
        )
        return str(answer.json().get("status", answer.json().get("code", "")))


def keep_buying(
    shopper: Shopper,
    stores: Sequence[str],
    random: Random,
    stopping: threading.Event,
    pause_s: float,
) -> None:
    """Buy at random stores, the first most often, until told to stop."""
    weights = [len(stores) + 1] + [1] * (len(stores) - 1)
    ways = cycle(WAYS)
    while not stopping.wait(pause_s * random.uniform(0.5, 1.5)):
        try:
            shopper.buy(random.choices(stores, weights)[0], next(ways))
        except httpx.HTTPError:
            continue  # central is busy or on its way down: the next purchase will tell


def _rows(name: str) -> list[dict[str, str]]:
    with sample_path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
