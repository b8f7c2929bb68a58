"""Exceptions and quarantine over HTTP: filters, pages, who wins, problems, scopes."""

import pytest

from sync.domain import operations as op
from sync.domain.fulfillment import ShortReason
from tests.api.test_orders_http import is_problem

pytestmark = pytest.mark.anyio
EXCEPTIONS = "/v1/admin/exceptions"
QUARANTINE = "/v1/admin/quarantine"


@pytest.fixture
def busy(world):
    """An order that no store can give, one to put back, one step in quarantine and one behind."""
    devices = {name: world.device(name) for name in ("S001", "S002", "S003")}
    refused = world.place(("SKU-1", 1))
    for name, device in devices.items():
        work = next(one for one in world.fulfillments(refused.order_id) if one.location_id == name)
        device.do(op.FulfillmentRejected(work.id, ShortReason.STORE_BUSY))
        device.push()
    cancelled, stuck = world.place(("SKU-2", 1)), world.place(("SKU-3", 2))
    (work,) = world.fulfillments(cancelled.order_id)
    store = devices["S001"]
    store.do(op.LinePicked(work.id, 1, 1))
    store.push(2)
    world.parts.central.cancelling.cancel(cancelled.order_id, reason="", actor="web")
    (work,) = world.fulfillments(stuck.order_id)
    store.do(op.LinePicked(work.id, 1, 99), op.LinePicked(work.id, 1, 1))
    store.push(3)
    return refused, stuck


async def listed(client, **query):
    answer = await client.get(EXCEPTIONS, params=query)
    assert answer.status_code == 200, answer.text
    return [one["kind"] for one in answer.json()["exceptions"]]


async def first_of(client, **query) -> dict:
    return (await client.get(EXCEPTIONS, params=query)).json()["exceptions"][0]


async def test_filters(client, busy):
    """By owner, kind, location, order and state; all that is given must hold."""
    assert await listed(client) == ["unsourced", "quarantined", "put_back_due"]
    assert await listed(client, owner="store") == ["put_back_due"]
    assert await listed(client, kind="unsourced", owner="central") == ["unsourced"]
    assert await listed(client, order=busy[0].order_id) == ["unsourced"]
    assert await listed(client, location="S001") == ["quarantined", "put_back_due"]
    assert await listed(client, state="closed") == []
    assert is_problem(
        await client.get(EXCEPTIONS, params={"kind": "nonsense"}), 422, "validation_failed"
    )


async def test_pages(client, busy):
    """A cursor leads from page to page; a made-up one is refused."""
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(EXCEPTIONS, params=query)).json()
        seen += [one["id"] for one in page["exceptions"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 3
    made_up = await client.get(EXCEPTIONS, params={"cursor": "nonsense"})
    assert is_problem(made_up, 400, "cursor_invalid")


async def test_one_can_be_read_with_what_to_do(client, busy):
    """Title, text, what to do, due time; one that does not exist is 404."""
    found = await first_of(client)
    answer = await client.get(f"{EXCEPTIONS}/{found['id']}")
    assert answer.json() == found
    assert (found["title"], found["state"]) == ("No store gives the goods", "open")
    assert found["due_at"] > found["opened_at"]
    assert is_problem(await client.get(f"{EXCEPTIONS}/unknown"), 404, "not_found")


async def test_resolve_once(client, world, busy):
    """With a note; the same again is the same answer, another person gets 409 in words."""
    path = f"{EXCEPTIONS}/{(await first_of(client))['id']}/resolve"
    assert is_problem(await client.post(path, json={"note": " "}), 422, "validation_failed")
    first = await client.post(path, json={"note": "Money back."})
    assert (first.status_code, first.json()["closed_by"]) == (200, "tests")
    assert (await client.post(path, json={"note": "Money back."})).json() == first.json()
    other = world.parts.central.keys.create("Ben", ("admin",))
    late = await client.post(
        path, json={"note": "They wait."}, headers={"Authorization": f"Bearer {other}"}
    )
    assert is_problem(late, 409, "already_closed")
    assert late.json()["detail"] == "tests has closed it already: Money back."
    assert await listed(client, state="closed") == ["unsourced"]


async def test_what_ends_by_itself_is_not_resolved(client, busy):
    """409, and what ends it."""
    path = f"{EXCEPTIONS}/{(await first_of(client, kind='put_back_due'))['id']}/resolve"
    answer = await client.post(path, json={"note": "Done."})
    assert is_problem(answer, 409, "not_ended_by_people")


async def test_assign(client, busy):
    """To a person; to another one only knowingly; to its store."""
    path = f"{EXCEPTIONS}/{(await first_of(client))['id']}/assign"
    assert (await client.post(path, json={"assignee": "Ann"})).json()["assignee"] == "Ann"
    assert is_problem(await client.post(path, json={"assignee": "Ben"}), 409, "already_assigned")
    taken = await client.post(path, json={"assignee": "Ben", "take_over": True, "owner": "store"})
    assert (taken.json()["assignee"], taken.json()["owner"]) == ("Ben", "store")
    assert is_problem(await client.post(path, json={"owner": "me"}), 422, "validation_failed")


async def test_quarantine_is_listed_retried_and_skipped(client, busy):
    """Retry in vain, skip with a reason, and what waited goes on."""
    found = (await client.get(QUARANTINE, params={"location": "S001"})).json()["operations"]
    assert [(one["seq"], one["waits_behind"]) for one in found] == [(3, None), (4, 3)]
    one = f"{QUARANTINE}/R-S001/1/3"
    retried = await client.post(f"{one}/retry")
    assert (retried.status_code, retried.json()["operation"]["status"]) == (200, "quarantined")
    waiting = await client.post(f"{QUARANTINE}/R-S001/1/4/retry")
    assert is_problem(waiting, 409, "waits_behind")
    assert is_problem(await client.post(f"{one}/skip", json={}), 422, "validation_failed")
    skipped = (await client.post(f"{one}/skip", json={"reason": "a typing error"})).json()
    assert [(each["seq"], each["status"]) for each in skipped["settled"]] == [
        (3, "refused"), (4, "accepted"),
    ]  # fmt: skip
    again = (await client.post(f"{one}/skip", json={"reason": "a typing error"})).json()
    assert (again["operation"], again["settled"]) == (skipped["operation"], [])
    late = await client.post(f"{one}/retry")
    assert is_problem(late, 409, "already_settled")
    assert (await client.get(QUARANTINE)).json() == {"operations": [], "next": None}
    assert is_problem(await client.post(f"{QUARANTINE}/R9/1/1/retry"), 404, "not_found")


async def test_settled_verdict_is_on_the_timeline(client, busy):
    """The order tells what became of the step, and of the one behind it."""
    await client.post(f"{QUARANTINE}/R-S001/1/3/skip", json={"reason": "a typing error"})
    order = (await client.get(f"/v1/orders/{busy[1].order_id}")).json()
    verdicts = [one["verdict"] for one in order["timeline"] if one["source"] != "central"]
    assert verdicts == ["refused", "accepted"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", EXCEPTIONS), ("GET", f"{EXCEPTIONS}/x"), ("POST", f"{EXCEPTIONS}/x/resolve"),
        ("POST", f"{EXCEPTIONS}/x/assign"), ("GET", QUARANTINE),
        ("POST", f"{QUARANTINE}/R/1/1/retry"), ("POST", f"{QUARANTINE}/R/1/1/skip"),
    ],
)  # fmt: skip
async def test_only_administrators(client, world, method, path):
    """A shop's key may neither read nor settle."""
    key = world.parts.central.keys.create("shop", ("orders:read", "orders:write"))
    answer = await client.request(
        method, path, json={"note": "x", "reason": "x"}, headers={"Authorization": f"Bearer {key}"}
    )
    assert is_problem(answer, 403, "scope_missing")
