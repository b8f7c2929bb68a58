"""A store whose whole folder came back from an image, its mark with it; its other disk is whole."""

import shutil
from pathlib import Path

from sync.edge.holes import holes
from tests.support.central_world import World
from tests.support.conflicts import agree, exceptions
from tests.support.store_side import StoreSide


def test_what_lies_on_the_other_disk_comes_back_after_an_image(
    world: World, store: StoreSide, tmp_path: Path
):
    """Two sales were acknowledged and two were not: all are in the journal again and at central."""
    store.evidence = tmp_path / "other-disk"
    store.store.close()
    store.open()
    store.sell(1)
    store.settle()
    store.store.close()
    shutil.copytree(store.folder, tmp_path / "image")
    store.open()
    store.sell(1)
    store.settle()
    acked = store.store.journal.acked_seq()
    store.cut()
    for _ in range(2):
        store.sell(1, "SKU-2")
    head = store.store.journal.head()
    assert head.seq > acked
    store.store.close()
    shutil.rmtree(store.folder)
    shutil.copytree(tmp_path / "image", store.folder)
    store.open()
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
