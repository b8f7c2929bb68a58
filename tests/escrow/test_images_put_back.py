"""A store whose whole folder came back from an image, its mark with it; its other disk is whole."""

import shutil
from pathlib import Path

from sync.edge.holes import holes
from tests.escrow.test_forgotten_confirmations import promise
from tests.escrow.test_replaced import online, pass_time
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.store_side import POLICY, StoreSide


def with_another_disk(store: StoreSide, tmp_path: Path) -> None:
    """Let the store write its evidence from now on."""
    store.evidence = tmp_path / "other-disk"
    store.store.close()
    store.open()


def make_image(store: StoreSide, image: Path) -> None:
    """Copy the whole data folder while nothing is open."""
    store.store.close()
    shutil.copytree(store.folder, image)
    store.open()


def put_back(store: StoreSide, image: Path) -> None:
    """Start from the whole folder as it was, journal and rows and mark."""
    store.store.close()
    shutil.rmtree(store.folder)
    shutil.copytree(image, store.folder)
    store.open()


def test_what_lies_on_the_other_disk_comes_back_after_an_image(
    world: World, store: StoreSide, tmp_path: Path
):
    """Two sales were acknowledged and two were not: all are in the journal again and at central."""
    with_another_disk(store, tmp_path)
    store.sell(1)
    store.settle()
    make_image(store, tmp_path / "image")
    store.sell(1)
    store.settle()
    acked = store.store.journal.acked_seq()
    store.cut()
    for _ in range(2):
        store.sell(1, "SKU-2")
    head = store.store.journal.head()
    assert head.seq > acked
    put_back(store, tmp_path / "image")
    assert store.store.journal.head() == head
    store.settle()
    journal = store.store.journal
    assert (journal.hash_at(head.seq), journal.identity.epoch) == (head.hash, 1)
    assert holes(journal) == []
    with world.database.read() as view:
        there = {row.sku: row.on_hand for row in view.stock.rows("S001")}
    assert (there["SKU-1"], there["SKU-2"]) == (8, 8)
    agree(world, store)
    assert exceptions(world) == []


def test_what_was_promised_since_the_image_is_not_sold_by_right(
    world: World, store: StoreSide, tmp_path: Path
):
    """It heard of an order, took its rights back and shared anew; of that order no row is left."""
    with_another_disk(store, tmp_path)
    store.settle()
    make_image(store, tmp_path / "image")
    promise(world, store)
    store.settle()
    store.cut()
    for _ in range(2):
        pass_time(world, POLICY.reclaim_after_ms, store)
        store.round()
    store.settle()
    given = store.store.journal.rights.generation()
    put_back(store, tmp_path / "image")
    store.cut()
    assert store.share().floor + online(world) <= 10 - 3
    agree(world, store)
    assert store.store.journal.rights.generation() > given
    assert store.share().floor + online(world) == 10 - 3
