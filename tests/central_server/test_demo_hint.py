"""What the demo's sign-in screen offers is true of the sample network."""

import csv

from central_server.demo.run import STORES
from central_server.demo.stores import sign_in_hint
from central_server.sample import sample_path


def test_each_store_of_the_demo_offers_a_lead_of_its_own() -> None:
    """Number and PIN belong together, and to this store."""
    with sample_path("associates.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    for location_id in STORES:
        hint = sign_in_hint(location_id)
        offered = [
            one
            for one in people
            if hint.startswith(f"Demo: {one['associate_id']}, PIN {one['pin']}")
        ]
        assert [(one["location_id"], one["role"]) for one in offered] == [(location_id, "lead")]


def test_an_unknown_store_offers_nobody() -> None:
    """Nothing is shown then."""
    assert sign_in_hint("S999") == ""
