"""Epochs of one number, begun from copies of one journal: each store goes on behind the other."""

import shutil
from pathlib import Path

import pytest

from sync.edge.recovery import begin_epoch
from tests.sync.edge.restores import (
    check_settled,
    lines_at_central,
    put_back,
    put_back_on_a_new_disk,
    save,
    wait,
    work,
)
from tests.sync.edge.worlds import World


@pytest.mark.parametrize("done_between", [0, 1])
def test_an_older_copy_on_a_new_disk_goes_on(shop: World, tmp_path: Path, done_between: int):
    """The restore before it has begun an epoch of the same number farther on (seed 11217255).

    No mark tells of it on a new disk. The store asked for operations to be taken at places
    that are before that epoch, and heard for ever that one was missing.
    """
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "old")
    work(shop, 2)
    shop.quiet()
    save(shop, tmp_path / "newer")
    put_back_on_a_new_disk(shop, tmp_path / "newer")
    work(shop, *range(3, 3 + done_between))
    shop.quiet()
    put_back_on_a_new_disk(shop, tmp_path / "old")
    work(shop, 4)
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6 + 2 * done_between
    assert shop.store.identity.epoch == 3


def test_an_epoch_that_another_disk_began_before_ours_is_none_of_ours(shop: World, tmp_path: Path):
    """The mark of this disk is farther on than where a spare began the epoch of that number.

    Central has fewer operations of it than where this disk begins it, and none that it can send.
    """
    work(shop, 1)
    shop.quiet()
    save(shop, tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "spare")
    shop.faulty.cut()
    work(shop, 2, 3)  # up to 6: only the mark knows
    put_back(shop, tmp_path / "old")  # epoch 2 behind 6
    work(shop, 4)
    spare = World(tmp_path / "spare", central=shop.central, clock=shop.clock)
    begin_epoch(spare.store.journal, 1, 2, shop.clock.now_ms())  # epoch 2 behind 2
    spare.quiet()
    work(spare, 5)
    spare.quiet()
    spare.store.close()
    wait(shop, 200)
    shop.faulty.restore()
    shop.quiet()
    check_settled(shop)
    assert len(lines_at_central(shop)) == 6
    assert shop.store.identity.epoch == 3
