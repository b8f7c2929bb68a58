"""The smaller repositories, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from central_server.records import (
    ApiKey,
    Customer,
    ImportJob,
    KeptAnswer,
    OutboxItem,
    Price,
    Product,
)
from central_server.services.scopes import store_row
from central_server.storage.database import Database
from central_server.storage.meta import NotInitialized
from central_server.storage.schema import migrate
from sync.domain.people import Role
from sync.protocol.rows import AssociateRow
from tests.central_server.storage.data import NOW, location


def test_identity_is_made_once(database):
    """A database keeps the identity that it first got; a new life raises its number."""
    first = database.write(lambda unit: unit.meta.ensure("other", "other"))
    assert (first.server_id, first.incarnation) == ("central-test", 1)
    assert database.write(lambda unit: unit.meta.begin_new_life()) == 2
    with database.read() as view:
        assert view.feed.incarnation() == 2


def test_a_database_without_identity_serves_no_feed(tmp_path):
    """Central does not make up a life number."""
    opened = Database.open(f"sqlite:///{tmp_path / 'new.db'}")
    migrate(opened)
    with pytest.raises(NotInitialized), opened.read() as view:
        view.feed.incarnation()
    opened.close()


def test_locations_come_back_as_they_were(database):
    """Calendars and shelf spots survive; a second import replaces a location."""
    week = ((540, 1260),) * 6 + ((0, 0),)
    place = location(
        spots=("A1", "A2"), hours=week, closures=("2026-12-25",), latitude=41.8781,
        longitude=-87.6298, floor_percent=20, pickup_enabled=False, timezone="America/Chicago",
    )  # fmt: skip
    database.write(lambda unit: unit.locations.upsert([place, location("L2", price_zone="Y")]))
    moved = replace(place, name="Moved", kind="dc")
    database.write(lambda unit: unit.locations.upsert([moved]))
    with database.read() as view:
        assert view.locations.get("L1") == moved
        assert view.locations.get("L9") is None
        assert [one.id for one in view.locations.all()] == ["L1", "L2"]
        assert set(view.locations.get_many(["L2", "L9"])) == {"L2"}
        assert view.locations.zones() == ("Y", "Z")
    assert store_row(moved).hours == week


def test_products_are_found_by_any_form_of_their_barcode(database):
    """A barcode of 8 to 14 digits finds its product; an import replaces barcodes."""
    mug = Product("A", "Mug", "Brand", "Kitchen", ("00012345678905", "00200700000012"))
    database.write(lambda unit: unit.catalogue.upsert_products([mug, Product("B", "Bowl")]))
    with database.read() as view:
        assert view.catalogue.products(["A", "B", "C"]) == {"A": mug, "B": Product("B", "Bowl")}
        assert view.catalogue.by_gtin("12345678905") == view.catalogue.by_gtin("00012345678905")
        assert view.catalogue.by_gtin("12345678905") == (mug,)
        assert view.catalogue.products_after("A", 5) == (Product("B", "Bowl"),)
        assert view.catalogue.count() == 2
    changed = replace(mug, gtins=("00200700000012",))
    database.write(lambda unit: unit.catalogue.upsert_products([mug, changed]))
    with database.read() as view:
        assert view.catalogue.by_gtin("12345678905") == ()
        assert view.catalogue.products(["A"]) == {"A": changed}


def test_a_new_price_is_a_new_version(database):
    """The version of a price counts its changes, per zone and SKU."""
    for amount in (100, 120):
        prices = [Price("Z", "A", amount, "USD"), Price("Y", "B", 5, "EUR")]
        database.write(lambda unit, p=prices: unit.catalogue.upsert_prices(p))
    with database.read() as view:
        found = view.catalogue.prices("Z", ["A", "B"])
    assert found == {"A": Price("Z", "A", 120, "USD", 2)}


def test_associates_and_customers_come_back(database):
    """People are replaced by id."""
    ann = AssociateRow("A1", "Ann", Role.LEAD, "$argon2id$x", active=True)
    carl = Customer("C1", "Carl", "c@example.com", latitude=1.25)

    def command(unit):
        unit.locations.upsert([location()])
        unit.associates.upsert(
            "L1", [replace(ann, name="Old"), AssociateRow("A2", "B", Role.MANAGER, "")]
        )
        unit.associates.upsert("L1", [replace(ann, active=False)])
        unit.customers.upsert([carl, Customer("C2", "Dora")])

    database.write(command)
    with database.read() as view:
        assert view.associates.at_location("L1")[0] == replace(ann, active=False)
        assert len(view.associates.at_location("L1")) == 2
        assert view.customers.get("C1") == carl
        assert view.customers.page("C1") == (Customer("C2", "Dora"),)


def test_an_idempotency_key_is_claimed_once(database):
    """The first request gets the key, a later one its answer; each principal has its own keys."""
    claim = lambda principal: database.write(  # noqa: E731
        lambda unit: unit.idempotency.claim(principal, "k", "body", NOW)
    )
    assert claim("p1") is None
    database.write(lambda unit: unit.idempotency.keep("p1", "k", 201, '{"id":"O1"}'))
    assert claim("p1") == KeptAnswer("body", 201, '{"id":"O1"}')
    assert claim("p2") is None
    assert database.write(lambda unit: unit.idempotency.forget(NOW + 1, sparing="import-")) == 2
    assert claim("p1") is None


def test_of_equal_requests_at_once_one_acts(database):
    """Concurrent requests with one key: one does the work, the others get its answer."""

    def request(number: int) -> str:
        def command(unit):
            kept = unit.idempotency.claim("p", "k", "body", NOW)
            if kept is not None:
                return kept.response
            unit.idempotency.keep("p", "k", 201, str(number))
            return str(number)

        return database.write(command)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(request, range(24)))) == 1


def test_a_failed_request_gives_its_key_back(database):
    """Where the work fails, its claim is undone with it."""

    def fail(unit):
        unit.idempotency.claim("p", "k", "body", NOW)
        raise ValueError

    with pytest.raises(ValueError):
        database.write(fail)
    assert database.write(lambda unit: unit.idempotency.claim("p", "k", "body", NOW)) is None


def test_api_keys_are_found_by_prefix_and_revoked_once(database):
    """A revoked key is still known, so that its use can be explained."""
    key = ApiKey("K1", "abcd", "hash", ("orders:read", "admin"), "till", NOW)
    database.write(lambda unit: unit.keys.add(key))
    revoke = lambda unit: unit.keys.revoke("K1", NOW + 1)  # noqa: E731
    assert [database.write(revoke), database.write(revoke)] == [True, False]
    with database.read() as view:
        assert view.keys.by_prefix("abcd") == replace(key, revoked_ms=NOW + 1)
        assert view.keys.by_prefix("zzzz") is None
        assert len(view.keys.all()) == 1


def test_a_side_effect_is_claimed_by_one_worker_until_its_lease_ends(database):
    """The outbox gives an item to one worker; it comes back if nobody reports."""
    items = [OutboxItem(f"X{n}", "mail", f"key-{n}", {"to": "a"}, NOW + n) for n in range(3)]
    database.write(lambda unit: unit.outbox.add([*items, replace(items[0], id="again")]))
    claim = lambda at: [  # noqa: E731
        (one.id, one.attempts)
        for one in database.write(lambda unit: unit.outbox.claim(at, lease_ms=100, limit=2))
    ]
    assert claim(NOW + 5) == [("X0", 1), ("X1", 1)]
    assert claim(NOW + 5) == [("X2", 1)]
    done = lambda: database.write(lambda unit: unit.outbox.done("X0", NOW + 6))  # noqa: E731
    assert [done(), done()] == [True, False]
    database.write(lambda unit: unit.outbox.failed("X2", "refused", NOW + 50))
    assert claim(NOW + 50) == [("X2", 2)]
    assert claim(NOW + 105) == [("X1", 2)]
    with database.read() as view:
        assert view.outbox.waiting() == 2


def test_a_side_effect_is_given_back_by_the_worker_that_has_it(database):
    """Nobody tried it, so that does not count; a claim that has ended gives back nothing."""
    database.write(lambda unit: unit.outbox.add([OutboxItem("X", "mail", "key", {}, NOW)]))
    claim = lambda at: [  # noqa: E731
        one.attempts for one in database.write(lambda unit: unit.outbox.claim(at, lease_ms=100))
    ]
    give_back = lambda until: database.write(  # noqa: E731
        lambda unit: unit.outbox.give_back(["X"], until)
    )
    assert claim(NOW) == [1]
    give_back(NOW + 100)
    assert claim(NOW + 1) == [1]
    assert claim(NOW + 101) == [2]
    give_back(NOW + 101)
    assert claim(NOW + 102) == []


def test_an_import_goes_on_where_it_stopped(database):
    """Progress of an import is kept by kind and content."""
    job = ImportJob("J1", "sha", "products", 10, 9, 1)
    database.write(lambda unit: unit.imports.save(job))
    done = replace(job, offset=20, ok=19, done=True)
    database.write(lambda unit: unit.imports.save(done))
    with database.read() as view:
        assert view.imports.find("products", "sha") == done
        assert view.imports.find("prices", "sha") is None
        assert (view.imports.last("products"), view.imports.last("prices")) == ("sha", None)
