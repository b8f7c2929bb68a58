"""`store-client sell`, and what `status` and `doctor` say of sales."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from store_client import bootstrap
from store_client.cli import app
from store_client.pos.folder import SalesFolder
from store_client.replica.store import Store
from tests.support.clocks import FrozenClock
from tests.support.fake_store import make_order
from tests.support.terminals import PIN
from tests.support.till import OPEN, SKU, STRICT, open_shop, sale_text, sales_in

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A strict store with seven units promised, five online and none for walk-ins."""
    return made(tmp_path, monkeypatch, STRICT)


def made(folder: Path, monkeypatch, policy) -> Path:
    clock = FrozenClock()
    order = make_order(0, clock.now_ms(), quantities=(7, 1))
    open_shop(folder, clock, policy, [order]).close()
    (folder / "store.key").write_text("")
    (folder / "store.toml").write_text(f'pos_folder = "{folder / "pos"}"\nterminal = "till-9"\n')
    monkeypatch.setattr(bootstrap, "SystemClock", lambda: clock)
    return folder


def opened(folder: Path) -> Store:
    return open_shop(folder, FrozenClock())


def run(folder: Path, *arguments: str, pin: str = ""):
    return CliRunner().invoke(
        app, ["--data-dir", str(folder), *arguments], env={"HOLDSHELF_PIN": pin}
    )


SELL = ("sell", "--transaction", "T1", "--sku", SKU)


def test_a_sale_is_recorded_once(tmp_path, monkeypatch):
    """The second time says that it is known; another one under the number is a conflict."""
    folder = made(tmp_path, monkeypatch, OPEN)
    first = run(folder, *SELL, "--quantity", "2", "--json")
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["known"], told["lines"]) == (False, [{"sku": SKU, "quantity": 2}])
    assert told["over"] == [{"sku": SKU, "quantity": 2}]
    again = run(folder, *SELL, "--quantity", "2")
    assert "is recorded already" in again.stdout
    assert run(folder, *SELL, "--quantity", "3").exit_code == 6
    store = opened(folder)
    assert sales_in(store) == {"T1": {SKU: 2}}
    store.close()


def test_a_strict_store_wants_an_override(shop):
    """Exit code 4 with the order's number; with number and PIN it is recorded."""
    refused = run(shop, *SELL, "--quantity", "8")
    assert refused.exit_code == 4
    assert "K7Q2-0000" in refused.stderr
    wrong = run(shop, *SELL, "--quantity", "8", "--override-by", "A102", pin="0000")
    assert wrong.exit_code == 4
    done = run(shop, *SELL, "--quantity", "8", "--override-by", " a102", "--breaks", "K7Q2-0000",
               "--json", pin=PIN)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["breaks"] == make_order(0, 0).id


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--quantity", "1", "--quantity", "2"), "one --quantity for each --sku"),
        (("--quantity", "0"), "not between"),
        (("--quantity", "1", "--breaks", "K1"), "--breaks needs --override-by"),
        (("--quantity", "1", "--override-by", "A102"), "HOLDSHELF_PIN"),
    ],
)
def test_a_command_that_makes_no_sense_is_a_usage_error(shop, more, why):
    """Exit code 2, in words."""
    done = run(shop, *SELL, *more)
    assert done.exit_code == 2
    assert why in done.stderr


def test_status_and_doctor_tell_of_sales(shop):
    """How many were taken, and which files somebody has to look at."""
    store, clock = opened(shop), FrozenClock()
    folder = SalesFolder(shop / "pos", store, clock)
    folder.look()
    (shop / "pos" / "1.json").write_text(sale_text("T1"))
    (shop / "pos" / "2.json").write_text("{")
    for _ in range(3):
        folder.look()
        clock.advance(20_000)
    store.close()
    told = json.loads(run(shop, "status", "--json").stdout)
    assert told["sales_taken"] == 1
    (name,) = told["sales_failed"]
    assert name.startswith("2-")
    findings = {one["name"]: one for one in json.loads(run(shop, "doctor", "--json").stdout)}
    assert findings["sales"]["ok"] is False
    assert name in findings["sales"]["text"]


def test_the_daemon_is_put_together_with_folder_and_address(shop, monkeypatch):
    """Off unless set; the token is made with the server."""
    monkeypatch.setenv("HOLDSHELF_STORE_POS_PORT", "8077")
    from store_client.config import load_settings

    running = bootstrap.build_daemon(load_settings(shop))
    names = [chore.name for chore in running.process.chores]
    assert names == ["holds", "sales folder", "done sales", "point of sale", "cards", "labels"]
    assert (shop / "pos.token").stat().st_mode & 0o777 == 0o600
    running.close()
    monkeypatch.delenv("HOLDSHELF_STORE_POS_PORT")
    (shop / "store.toml").write_text("")
    running = bootstrap.build_daemon(load_settings(shop))
    assert [chore.name for chore in running.process.chores] == ["holds", "cards", "labels"]
    running.close()
