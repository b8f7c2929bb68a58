"""PostgreSQL ends transactions of pushes, orders and jobs: run again or told, never half done.

The server itself does it, in triggers that count in a sequence, which no rollback
takes back; or in a real deadlock with another session.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from central_server.services.order_capture import Placed
from central_server.storage.database import CommitPoint, Database, Unavailable
from central_server.storage.postgresql import ATTEMPTS_MAX
from sync.domain.stock_operations import FloorSold, SkuUnits
from sync.protocol.session import PushAnswer
from tests.support.central_world import ON_HAND, Device, World, build_world
from tests.support.waiting import until

pytestmark = pytest.mark.postgres

RAISE = "RAISE EXCEPTION 'met' USING ERRCODE = '{}'"
ACTS = {
    "40001": RAISE.format("40001"),
    "40P01": RAISE.format("40P01"),
    "55P03": RAISE.format("55P03"),
    "53100": RAISE.format("53100"),
    "57014": "PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(10)",
    "57P01": "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10)",
}
WORDS = {
    "40001": "in the way", "40P01": "in the way", "55P03": "in the way", "53100": "disk is full",
    "57014": "stopped", "57P01": "away",
}  # fmt: skip
RUN_AGAIN = ("40001", "40P01")
WHEN = ("in the middle", "at the commit")
ALWAYS = 1_000
FUNCTION = """
CREATE FUNCTION interrupt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF nextval('met') <= {times} THEN {act}; END IF; RETURN NULL; END $$
"""
HEAD = "FOR EACH ROW EXECUTE FUNCTION interrupt()"


@dataclass
class Server:
    """The database, as its administrator sees it."""

    connection: psycopg.Connection

    def interrupt(self, table: str, state: str, when: str, times: int, act: str = "INSERT") -> None:
        """Let the next transactions that write to `table` end so, as many times."""
        self.calm()
        kind, late = "", ""
        if when == "at the commit":
            kind, late = "CONSTRAINT", "DEFERRABLE INITIALLY DEFERRED"
        for statement in (
            "CREATE SEQUENCE met",
            FUNCTION.format(times=times, act=ACTS[state]),
            f"CREATE {kind} TRIGGER interrupted AFTER {act} ON {table} {late} {HEAD}",
        ):
            self.connection.execute(statement.encode())

    def calm(self) -> None:
        """Interrupt nothing any more."""
        self.connection.execute("DROP FUNCTION IF EXISTS interrupt CASCADE")
        self.connection.execute("DROP SEQUENCE IF EXISTS met")

    @property
    def met(self) -> int:
        """How many transactions came to the trigger."""
        row = self.connection.execute("SELECT last_value FROM met").fetchone()
        assert row is not None
        return int(row[0])

    def waits_for_locks(self) -> bool:
        """Whether somebody waits for a row that another one has."""
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return self.connection.execute(waiting).fetchone() is not None


@pytest.fixture
def world(postgresql_database: Database, tmp_path: Path) -> World:
    """Three stores with ten of everything."""
    return build_world(postgresql_database, tmp_path)


def dsn_of(database: Database) -> str:
    url = database._reader.url
    return f"host={url.query['host']} user=postgres dbname={url.database}"


@pytest.fixture
def server(postgresql_database: Database) -> Iterator[Server]:
    """A session of one's own."""
    with psycopg.connect(dsn_of(postgresql_database), autocommit=True) as connection:
        yield Server(connection)


def count(world: World, table: str) -> int:
    with world.database.read() as view:
        return int(view.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def selling(world: World, *skus: str) -> Device:
    """Return a device that has sold one of each."""
    device = world.device("S001")
    device.do(FloorSold("T1", tuple(SkuUnits(sku, 1) for sku in skus or ("SKU-1",))))
    return device


def check_nothing_is_kept(world: World, state: str, raised: pytest.ExceptionInfo) -> None:
    assert WORDS[state] in str(raised.value)
    assert (count(world, "orders"), count(world, "op_log")) == (0, 0)
    assert (count(world, "idempotency_keys"), count(world, "outbox")) == (0, 0)
    assert world.stock("S001") == (ON_HAND, 0)
    world.check_books()


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("state", RUN_AGAIN)
def test_a_conflict_is_run_again_within(world: World, server: Server, state: str, when: str):
    """Order and push meet three conflicts each: both are answered, and count once."""
    device = selling(world)
    server.interrupt("orders", state, when, 3)
    placed = world.place(("SKU-1", 2))
    assert (placed.is_replayed, server.met) == (False, 4)
    server.interrupt("op_log", state, when, 3)
    assert device.push().acked_seq == 1
    assert server.met == 4
    assert (count(world, "orders"), count(world, "op_log")) == (1, 1)
    assert world.stock("S001") == (ON_HAND - 1, 2)
    world.check_books()


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("state", ACTS)
def test_what_does_not_pass_is_told_and_nothing_is_half_done(
    world: World, server: Server, state: str, when: str
):
    """It goes on: the caller hears it in words. When it has passed, the same again counts once."""
    device = selling(world)
    server.interrupt("orders", state, when, ALWAYS)
    with pytest.raises(Unavailable) as raised:
        world.place(("SKU-1", 2), key="cart")
    tried = ATTEMPTS_MAX if state in RUN_AGAIN else 1
    assert server.met == 2 * tried  # in a group, then by itself
    check_nothing_is_kept(world, state, raised)
    server.interrupt("op_log", state, when, ALWAYS)
    with pytest.raises(Unavailable) as raised:
        device.push()
    assert server.met == tried
    check_nothing_is_kept(world, state, raised)
    server.calm()
    placed = [world.place(("SKU-1", 2), key="cart") for _ in range(2)]
    assert [one.is_replayed for one in placed] == [False, True]
    assert [device.push().acked_seq for _ in range(2)] == [1, 1]
    assert world.stock("S001") == (ON_HAND - 1, 2)
    world.check_books()


def test_an_order_whose_group_was_ended_is_placed_by_itself(world: World, server: Server):
    """The connection is gone in the middle of the group: nobody has to know."""
    server.interrupt("orders", "57P01", "in the middle", 1)
    assert world.place(("SKU-1", 2)).is_replayed is False
    assert (server.met, count(world, "orders")) == (2, 1)
    assert world.stock("S001") == (ON_HAND, 2)


@pytest.mark.anyio
async def test_over_http_it_is_a_503_that_says_when(world: World, server: Server):
    """Order and bulk: the documented form, `Retry-After`, and no word of the inside."""
    key = world.parts.central.keys.create("tests", ("admin",))
    transport = httpx.ASGITransport(app=world.parts.app(), raise_app_exceptions=False)
    body = {
        "location_id": "S001", "lines": [{"sku": "SKU-1", "quantity": 2}],
        "customer": {"name": "Jo"},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "cart"}
    server.interrupt("orders", "57P01", "in the middle", ALWAYS)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://central", headers=headers
    ) as client:
        refused = await client.post("/v1/orders", json=body)
        many = await client.post("/v1/bulk/orders", json={"orders": [{"key": "a", "order": body}]})
        server.calm()
        placed = await client.post("/v1/orders", json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.headers["content-type"] == "application/problem+json"
    document = refused.json()
    assert document["code"] == "try_later"
    assert document["detail"] == "central's database is away; send the same again later"
    (result,) = many.json()["results"]
    assert (result["status"], result["problem"]["code"]) == (503, "try_later")
    assert placed.status_code == 201
    assert count(world, "orders") == 1


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what central runs on."""
    return "asyncio"


def deadlock(
    world: World, server: Server, work: Callable[[], "PushAnswer | Placed"]
) -> "Future[PushAnswer | Placed]":
    """Let `work` wait for SKU-2 while somebody who has that wants what it has; it has to give way.

    Only central's session looks for deadlocks soon, so it is the one that PostgreSQL ends.
    """
    rows = "SELECT 1 FROM stock WHERE location_id = 'S001' AND sku = %s FOR UPDATE"
    with psycopg.connect(dsn_of(world.database)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SET deadlock_timeout = '5min'")
        other.execute(rows, ("SKU-2",))
        working = pool.submit(work)
        until(server.waits_for_locks, "central waits for the row")
        other.execute(rows, ("SKU-1",))  # returns when PostgreSQL has ended central's transaction
        other.rollback()
        working.exception(timeout=30)
    return working


def deadlocks(server: Server) -> int:
    counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    row = server.connection.execute(counted).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
def test_a_real_deadlock_of_an_order_is_run_again(world: World, server: Server):
    """Among statements that are sent at once, too: the order is placed, once."""
    working = deadlock(world, server, lambda: world.place(("SKU-1", 1), ("SKU-2", 1)))
    assert isinstance(working.result(), Placed)
    until(lambda: deadlocks(server) >= 1, "PostgreSQL has counted the deadlock")
    assert count(world, "orders") == 1
    assert (world.stock("S001", "SKU-1"), world.stock("S001", "SKU-2")) == ((ON_HAND, 1),) * 2
    world.check_books()


@pytest.mark.slow
def test_a_real_deadlock_of_a_push_is_run_again(world: World, server: Server):
    """The store has its answer, and its operation counts once."""
    device = selling(world, "SKU-1", "SKU-2")
    working = deadlock(world, server, device.push)
    answer = working.result()
    assert isinstance(answer, PushAnswer)
    assert answer.acked_seq == 1
    until(lambda: deadlocks(server) >= 1, "PostgreSQL has counted the deadlock")
    assert count(world, "op_log") == 1
    assert world.stock("S001", "SKU-2") == (ON_HAND - 1, 0)
    world.check_books()


def test_a_job_that_is_interrupted_does_its_work_later(world: World, server: Server):
    """Mail is claimed, and the connection is ended: the job says so, and the next run sends."""
    world.place(("SKU-1", 2))
    server.interrupt("outbox", "57P01", "in the middle", 1, act="UPDATE")
    with pytest.raises(Unavailable):
        world.mails()
    assert len(world.mails()) == 1
    assert len(world.mails()) == 1


def test_an_answer_that_was_lost_behind_the_commit_is_given_again(
    make_postgresql_url: Callable[[], str], tmp_path: Path
):
    """The connection goes while the commit is answered: it counts, once, and its key says so."""
    lost: list[str] = []

    def lose(point: CommitPoint) -> None:
        if point is CommitPoint.AFTER and lost:
            lost.pop()
            raise OperationalError(
                "COMMIT", {}, psycopg.OperationalError("gone"), connection_invalidated=True
            )

    database = Database.open(make_postgresql_url(), hook=lose)
    world = build_world(database, tmp_path)
    device = selling(world)
    lost.append("an order's, which its group had")
    assert world.place(("SKU-1", 2), key="cart").is_replayed
    lost.append("a push's")
    with pytest.raises(Unavailable, match="away"):
        device.push()
    assert device.push().acked_seq == 1
    assert (count(world, "orders"), count(world, "op_log")) == (1, 1)
    assert world.stock("S001") == (ON_HAND - 1, 2)
    world.check_books()
    database.close()


def test_a_database_that_is_serializable_by_default_changes_nothing(
    make_postgresql_url: Callable[[], str], tmp_path: Path
):
    """How far transactions are apart is central's to say, not an administrator's default."""
    url = make_postgresql_url()
    plain = Database.open(url)
    with psycopg.connect(dsn_of(plain), autocommit=True) as administrator:
        name = administrator.info.dbname
        administrator.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'".encode()
        )
    plain.close()
    world = build_world(Database.open(url), tmp_path)
    shown = text("SHOW transaction_isolation")
    written = world.database.write(lambda unit: unit.connection.execute(shown).scalar_one())
    with world.database.read() as view:
        read = view.connection.execute(shown).scalar_one()
    assert (written, read) == ("read committed", "repeatable read")
    with ThreadPoolExecutor(4) as pool:
        placed = list(pool.map(lambda _: world.place(("SKU-1", 1)), range(8)))
    assert len({one.order_id for one in placed}) == 8
    assert world.stock("S001") == (ON_HAND, 8)
    world.database.close()
