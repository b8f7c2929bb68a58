"""A central on PostgreSQL that its own tools put back: dumped while it serves, met by stores."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central_server.bootstrap import assemble
from central_server.config import CentralSettings
from central_server.services.verification import verify
from central_server.storage.database import Database
from sync.domain import operations as op
from tests.central_server.test_recovery import DAY_S, HOUR_S
from tests.support.bridge import Machine
from tests.support.central_world import SECRET, World, build_world, whole_pickup
from tests.support.drills import check_agreed, handed_over, pass_time, serve
from tests.support.postgresql import PostgresqlServer
from tests.support.store_side import RealCentralSide, share_by_escrow

pytestmark = pytest.mark.postgres


class Served:
    """A central on a server's database, with what people do at that server."""

    def __init__(self, server: PostgresqlServer, url: str, folder: Path) -> None:
        self._server, self.url = server, url
        self.settings = CentralSettings(data_dir=folder, database_url=url, server_secret=SECRET)
        self.world = build_world(Database.open(url), folder, on_hand=100)

    def _tool(self, name: str, *arguments: str) -> None:
        where = ["--host", str(self._server.socket_folder), "--username", "postgres"]
        done = subprocess.run(
            [self._server.programs / name, *where, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def _name(self) -> str:
        return self.url.partition("@/")[2].partition("?")[0]

    def dump(self, file: Path) -> Path:
        """Dump the database as it is now; central goes on meanwhile."""
        self._tool("pg_dump", "--format=custom", "--file", str(file), self._name)
        return file

    def put_back(self, file: Path) -> None:
        """Stop, let the dump replace the database, mark it as restored, and start again."""
        old = self.world
        old.database.close()
        self._tool("pg_restore", "--clean", "--if-exists", "--dbname", self._name, str(file))
        database = Database.open(self.url)
        parts = assemble(
            self.settings, database, clock=old.clock, random=old.parts.random,
            notifier=old.notifier,
        )  # fmt: skip
        parts.begin_new_life()  # what `restore --mark` does, by the clock of this test
        assert verify(database) == []
        self.world = World(parts, old.clock, old.notifier, old.keys)


@pytest.fixture
def central(
    postgresql_server: PostgresqlServer, make_postgresql_url: Callable[[], str], tmp_path: Path
) -> Iterator[Served]:
    """A central on a database of its own."""
    made = Served(postgresql_server, make_postgresql_url(), tmp_path / "central")
    yield made
    made.world.database.close()


@pytest.fixture
def shop(central: Served, tmp_path: Path) -> Iterator[Machine]:
    """A store that it serves."""
    machine = Machine(tmp_path / "store", RealCentralSide(central.world))
    machine.enrol()
    machine.quiet()
    yield machine
    machine.close()


def put_back(central: Served, shop: Machine, file: Path) -> None:
    central.put_back(file)
    shop.side.world = central.world


def test_a_store_brings_a_restored_server_up_to_date(
    central: Served, shop: Machine, tmp_path: Path
) -> None:
    """An hour of work that the dump lacks is sent again, twice, and each time counts once."""
    share_by_escrow(central.world, floor_percent=20, on_hand=100)
    serve(shop)
    waiting = [central.world.place(("SKU-1", 2)) for _ in range(2)]
    shop.quiet()
    file = central.dump(tmp_path / "central.dump")
    pass_time(shop, HOUR_S)
    for placed in waiting:
        shop.do(*whole_pickup(central.world.fulfillments(placed.order_id)[0]))
    shop.quiet()
    sold = handed_over(central.world)
    for _ in range(2):
        put_back(central, shop, file)
        with central.world.database.read() as view:
            lease = view.leases.get("S001")
        assert lease is not None
        assert not lease.is_alive(central.world.clock.now_ms())
        assert handed_over(central.world) == sold - 4
        check_agreed(shop)
        assert handed_over(central.world) == sold
        assert [one for one in shop.store.sync_state().alerts if "lost" in one] == []


def test_a_store_goes_on_behind_what_a_restored_server_lacks_for_good(
    central: Served, shop: Machine, tmp_path: Path
) -> None:
    """The dump is older than what the store keeps: the rest is sent, the hole has an owner."""
    waiting = [central.world.place(("SKU-1", 2)) for _ in range(2)]
    shop.quiet()
    first, second = (central.world.fulfillments(one.order_id)[0] for one in waiting)
    file = central.dump(tmp_path / "central.dump")
    for done, days in ((whole_pickup(first), 1), ([op.FulfillmentAccepted(second.id)], 46)):
        shop.do(*done)
        shop.quiet()
        pass_time(shop, days * DAY_S)
    shop.quiet()
    shop.do(*whole_pickup(second)[1:])
    shop.store.journal.prune(central.world.clock.now_ms())
    put_back(central, shop, file)
    check_agreed(shop)
    assert handed_over(central.world) == 2
    with central.world.database.read() as view:
        kinds = [(one.kind, one.owner) for one in view.exceptions.list_open()]
    assert ("work_lost", "central") in kinds
