"""What an older program could not read is there as soon as a newer one opens the files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store_client.replica import kept_rows, views, writer
from sync.domain.errors import UnknownFlow
from sync.domain.flows import flow_named
from sync.domain.operations import FulfillmentAccepted
from sync.protocol.rows import Entity
from tests.store_client.replica.test_inbox import TOLD
from tests.support.builders import an_order
from tests.sync.edge.worlds import SCOPE, World


def older_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program be one that has not heard of curbside pickup, nor of exceptions."""

    def named(name: str):
        if name == "curbside":
            raise UnknownFlow(name)
        return flow_named(name)

    known = tuple(one for one in writer.DOCUMENTS if one != Entity.EXCEPTION)
    monkeypatch.setattr(views, "flow_named", named)
    monkeypatch.setattr(writer, "DOCUMENTS", known)
    monkeypatch.setattr(kept_rows, "KNOWS", "less")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A store whose older program has taken in what it knows, and kept the rest."""
    with monkeypatch.context() as patched:
        older_program(patched)
        world = World(tmp_path)
        world.central.place(an_order(1, flow="curbside"))
        world.central.put(SCOPE, Entity.EXCEPTION, "E1", TOLD)
        world.quiet()
        assert world.store.board("curbside") == []
        assert world.store.inbox.items() == []
        world.store.close()
    yield world
    world.store.close()


def test_a_newer_program_shows_an_order_of_a_flow_that_the_older_one_did_not_know(world: World):
    """When it opens the files, without a network, and nothing is read twice."""
    world.faulty.cut()
    world.open()
    (row,) = world.store.board("curbside")
    assert row.id == "F00001"
    world.perform(FulfillmentAccepted("F00001"))
    world.quiet()
    assert world.central.orders["F00001"].accepted_at_ms is not None
    world.check_equal()


def test_rows_of_an_entity_that_the_older_program_did_not_know_are_taken_in(world: World):
    """They go to where they belong, change and go again, and the scope stays in step."""
    world.open()
    assert [item.id for item in world.store.inbox.items()] == ["E1"]
    assert world.store._database.all("SELECT * FROM unknown_rows") == []
    report = world.round()
    assert (report.ok, report.resets) == (True, 0)
    world.central.remove(SCOPE, Entity.EXCEPTION, "E1")
    report = world.round()
    assert (report.ok, report.resets) == (True, 0)
    assert world.store.inbox.items() == []
    world.check_equal()


def test_what_an_older_daemon_took_in_beside_a_newer_terminal_is_read_anew_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """An update takes one process after the other: the last program that wrote is written down."""
    world.open()
    with monkeypatch.context() as patched:
        older_program(patched)
        world.central.place(an_order(2, flow="curbside"))
        world.quiet()
    world.reopen()
    assert {row.id for row in world.store.board("curbside")} == {"F00001", "F00002"}


def test_files_that_this_program_wrote_are_not_read_again(world: World, monkeypatch):
    """Opening costs a look; orders are folded for a reason."""
    world.open()
    folded: list[str] = []
    monkeypatch.setattr(views.Views, "refold", lambda _, __, keys: folded.extend(keys))
    world.reopen()
    world.round()
    assert folded == []
