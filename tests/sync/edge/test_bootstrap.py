"""Snapshots and resets: resumable, verified, and never less than there was."""

import errno
import hashlib
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlite
import zstandard

from sync.domain.operations import LinePicked
from sync.edge.puller import folder_name
from sync.edge.sqlite import NoRoom
from sync.protocol import errors
from sync.protocol.rows import Entity, ProductRow
from sync.protocol.session import SnapshotManifest
from sync.transport.faulty import Faults
from tests.support.builders import an_order, daemon_of
from tests.sync.edge.worlds import SCOPE, World


class Parts:
    """The central of the world, with an eye and a hand on the snapshots' parts."""

    def __init__(self, world: World) -> None:
        self._inner = world.central
        self.fetched: list[tuple[str, int]] = []
        self.broken_after = 10**6
        self.damaged: set[int] = set()
        self.replaced: bytes | None = None

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def manifest(self, scope: str) -> SnapshotManifest:
        manifest = self._inner.manifest(scope)
        if self.replaced is None:
            return manifest
        digest = hashlib.sha256(self.replaced).hexdigest()
        return manifest.model_copy(update={"sha256": digest, "part_sha256": (digest,)})

    def snapshot_part(self, manifest: SnapshotManifest, part: int) -> bytes:
        if len(self.fetched) >= self.broken_after:
            raise errors.Unreachable("the network is gone")
        self.fetched.append((manifest.scope, part))
        if self.replaced is not None:
            return self.replaced
        content = self._inner.snapshot_part(manifest, part)
        return content[:-1] + b"\0\0" if part in self.damaged else content


@pytest.fixture
def parts(world: World) -> Parts:
    made = Parts(world)
    world.daemon = daemon_of(world.store, made, world.clock)
    return made


def test_a_catalogue_comes_as_a_file_and_can_be_searched_at_once(world: World, parts: Parts):
    """Parts are fetched once each, installed, and nothing of them is left behind."""
    report = world.round()
    assert (report.ok, report.snapshots) == (True, 2)
    assert len(parts.fetched) == len(set(parts.fetched))
    assert [hit.sku for hit in world.store.products("lamp 2")] == ["SKU-2"]
    assert not [path for path in world.store.files.parts.rglob("*") if path.is_file()]


@pytest.mark.parametrize("broken_after", [0, 1, 2, 3])
def test_a_broken_download_goes_on_where_it_was(world: World, parts: Parts, broken_after: int):
    """Parts that arrived are not fetched again, by a new process either."""
    parts.broken_after = broken_after
    assert not world.round().ok
    world.reopen()
    world.daemon = daemon_of(world.store, parts, world.clock)
    parts.broken_after = 10**6
    assert world.round().ok
    assert len(parts.fetched) == len(set(parts.fetched))
    world.check_equal()


def test_the_stores_own_work_does_not_wait_for_a_catalogue(world: World, parts: Parts):
    """With the catalogue out of reach, orders are there."""
    world.central.place(an_order())
    parts.broken_after = 0
    assert not world.round().ok
    assert world.store.fulfillment("F00001") is not None


@pytest.mark.parametrize(
    ("scope", "name"),
    [("catalogue", "catalogue"), ("prices:EAST", "prices-EAST"), ("prices:N/A", "prices-N%2FA"),
     ("prices:../../x", "prices-..%2F..%2Fx")],
)  # fmt: skip
def test_parts_of_a_scope_have_one_folder_of_their_own(scope: str, name: str):
    """A zone may be called N/A: its parts are in no folder of the zone N, nor anywhere else."""
    assert folder_name(scope) == name


def test_a_damaged_part_is_fetched_again(world: World, parts: Parts):
    """What does not hash as announced is not kept."""
    parts.damaged = {1}
    assert "damaged" in world.round().error
    parts.damaged = set()
    assert world.round().ok
    assert parts.fetched.count(("catalogue", 1)) == 2
    assert parts.fetched.count(("catalogue", 0)) == 1


def test_a_part_damaged_on_our_disk_is_fetched_again(world: World, parts: Parts):
    """Parts are verified again when they are used."""
    parts.broken_after = 2
    world.round()
    (part,) = world.store.files.parts.rglob("part-0")
    part.write_bytes(b"rotten")
    parts.broken_after = 10**6
    assert world.round().ok
    assert parts.fetched.count(("catalogue", 0)) == 2


@pytest.mark.parametrize(
    "content",
    [b"not zstd", zstandard.compress(b"not a database" * 100), zstandard.compress(b""),
     zstandard.compress(b"x" * 10_000)[:-3]],
    ids=["not compressed", "not a database", "empty", "cut off"],
)  # fmt: skip
def test_a_snapshot_that_is_damaged_as_a_whole_is_refused(
    world: World, parts: Parts, content: bytes
):
    """The daemon says so, lives on, keeps what it had, and takes the next good one."""
    parts.replaced = content
    report = world.round()
    assert (report.ok, "catalogue" in report.error) == (False, True)
    parts.replaced = None
    assert world.round().ok
    world.check_equal()


def _full() -> Exception:
    problem = sqlite.OperationalError("database or disk is full")
    problem.sqlite_errorcode = 13
    return problem


@pytest.mark.parametrize(
    "problem",
    [_full(), NoRoom("replica.db cannot be opened"), OSError(errno.ENOSPC, "no space left"),
     sqlite.OperationalError("a fault that nobody has a number for")],
    ids=["full", "cannot be opened", "no space", "unknown"],
)  # fmt: skip
def test_a_full_disk_costs_no_second_download(
    world: World, parts: Parts, monkeypatch, problem: Exception
):
    """What arrived waits for room, without its unpacked copy; people read that it is their disk."""

    def install(_manifest: SnapshotManifest, _file: Path) -> None:
        raise problem

    with monkeypatch.context() as patched:
        patched.setattr(world.store.writer, "install", install)
        for _ in range(3):
            report = world.round()
            assert (report.ok, report.error) == (False, f"this store's files: {problem}")
    left = {path.name for path in world.store.files.parts.rglob("*") if path.is_file()}
    assert left == {f"part-{number}" for _, number in parts.fetched}
    assert world.round().ok
    assert len(parts.fetched) == len(set(parts.fetched))
    assert not [path for path in world.store.files.parts.rglob("*") if path.is_file()]
    world.check_equal()


def test_parts_of_an_older_snapshot_are_thrown_away(world: World, parts: Parts):
    """A store that never finishes does not fill its disk."""
    for number in range(4, 7):
        parts.broken_after = len(parts.fetched) + 1
        world.round()
        product = ProductRow(f"SKU-{number}", "Lamp")
        world.central.put("catalogue", Entity.PRODUCT, product.sku, product)
    folders = list((world.store.files.parts / "catalogue").iterdir())
    assert len(folders) == 1


def test_changes_after_a_snapshot_come_by_the_feed(world: World):
    """A renamed product is found by its new name only; a removed one not at all."""
    world.quiet()
    world.central.put("catalogue", Entity.PRODUCT, "SKU-1", ProductRow("SKU-1", "Red chair"))
    world.central.remove("catalogue", Entity.PRODUCT, "SKU-2")
    world.central.put("catalogue", Entity.PRODUCT, "SKU-9", ProductRow("SKU-9", "Green lamp"))
    assert world.round().snapshots == 0
    assert [hit.sku for hit in world.store.products("red")] == ["SKU-1"]
    assert {hit.sku for hit in world.store.products("lamp")} == {"SKU-3", "SKU-9"}
    assert world.store.product_by_code("2") == []
    world.check_equal()


def test_another_open_terminal_finds_products_after_an_install(world: World):
    """A search index that was replaced beneath a connection is read anew by it."""
    other = World(world.folder, central=world.central)
    assert other.store.products("lamp") == []
    world.quiet()
    assert len(other.store.products("lamp")) == 3
    world.central.feed.life += 1
    for number in range(1, 60):
        product = ProductRow(f"NEW-{number}", f"Green sofa {number}")
        world.central.put("catalogue", Entity.PRODUCT, product.sku, product)
    assert len(other.store.products("blue")) == 3
    world.round()
    world.quiet()
    for store in (other.store, world.store):
        assert len(store.products("sofa", 100)) == 59
        assert len(store.products("lamp", 100)) == 3
    product = ProductRow("NEW-60", "Green sofa 60")
    world.central.put("catalogue", Entity.PRODUCT, product.sku, product)
    world.round()
    assert len(other.store.products("sofa", 100)) == len(world.store.products("sofa", 100)) == 60
    other.store.close()


def restart(world: World) -> None:
    """Begin another life of central; the daemon hears of it at its next hello."""
    world.central.feed.life += 1
    world.daemon = daemon_of(world.store, world.faulty, world.clock)


def test_expired_cursors_are_followed_by_a_reset_and_equality(world: World):
    """Each scope is read again from the start, with an alert, and is the same afterwards."""
    world.central.place(an_order())
    world.quiet()
    restart(world)
    report = world.round()
    assert (report.ok, report.resets) == (True, 3)
    assert all("cursor expired" in alert for alert in world.store.sync_state().alerts)
    world.check_equal()


def test_a_wrong_checksum_is_followed_by_a_reset_and_an_alert(world: World):
    """A difference is found, mended and told."""
    world.central.place(an_order())
    world.quiet()
    with world.store._database.writing() as connection:
        connection.execute("DELETE FROM fulfillments")
    world.central.place(an_order(2))
    with world.store._database.writing() as connection:
        connection.execute("UPDATE scopes SET checksum = checksum + 1 WHERE scope = ?", (SCOPE,))
    report = world.round()
    assert (report.ok, report.resets) == (True, 1)
    assert "checksum" in world.store.sync_state().alerts[0]
    world.check_equal()


def test_a_difference_that_resets_do_not_mend_is_an_error(world: World):
    """It is reported and not chased for ever."""
    world.quiet()
    state = world.central.feed.scopes[SCOPE]
    world.central.feed.scopes[SCOPE] = type(state)(
        state.rev, state.floor_rev, state.checksum ^ 1, state.rows_live
    )
    restart(world)
    report = world.round()
    assert (report.ok, "stays different" in report.error) == (False, True)


def test_a_reset_takes_nothing_until_its_replacement_is_here(world: World):
    """The cursor expired and then the network went: the store works with what it has."""
    world.central.place(an_order())
    world.quiet()

    class OnlyOnce:
        """Answers the first pull, which says that the cursor expired, and no second one."""

        def __init__(self, calls: int) -> None:
            self.left = calls

        def __getattr__(self, name: str):
            return getattr(world.central, name)

        def pull(self, *arguments: object) -> object:
            self.left -= 1
            if self.left < 0:
                raise errors.Unreachable("gone")
            return world.central.pull(*arguments)  # type: ignore[arg-type]

    world.central.feed.life += 1
    for calls in (1, 3):
        world.daemon = daemon_of(world.store, OnlyOnce(calls), world.clock)  # type: ignore[arg-type]
        assert not world.round().ok
        assert len(world.store.board("pickup")) == 1
        assert world.store.store_row() is not None
        assert len(world.store.products("lamp")) == 3
    world.daemon = daemon_of(world.store, world.faulty, world.clock)
    world.quiet()
    world.check_equal()


def test_orders_with_unsent_work_survive_a_reset(world: World):
    """What the store did and central has not heard stays in sight, and is sent later."""
    world.central.place(an_order(1))
    world.central.place(an_order(2))
    world.quiet()
    world.perform(LinePicked("F00001", 1, 1))
    world.store.writer.reset(SCOPE, "a test")
    assert world.view("F00001").total("picked") == 1
    assert world.store.fulfillment("F00002") is None
    world.faulty.faults = Faults(drop=1.0)
    world.round()
    assert world.view("F00001").total("picked") == 1
    world.quiet()
    world.check_equal()
