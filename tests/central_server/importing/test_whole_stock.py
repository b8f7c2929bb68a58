"""Files of stock that have all of it: what they leave out of their locations is not there."""

import pytest

from central_server.importing.problems import EXIT_REFUSED, EXIT_USAGE, ImportFailed
from central_server.importing.whole import FEW
from tests.central_server.importing.importer import LOCATIONS, PRODUCTS, Importer

HEADER = ("location_id", "sku", "on_hand", "aisle")


@pytest.fixture
def stocked(database, tmp_path) -> Importer:
    """Both stores have three of each of 25 SKUs, in aisles."""
    importer = Importer(database, tmp_path)
    importer("locations", LOCATIONS)
    importer("products", PRODUCTS)
    importer("stock", told({"S1": range(25), "S2": range(25)}), name="first.csv")
    return importer


def told(there: dict[str, range], on_hand: int = 3) -> list[tuple[object, ...]]:
    rows = [(place, f"P{n:02}", on_hand, f"A{n}") for place in there for n in there[place]]
    return [HEADER, *rows]


def on_hand(importer: Importer, place: str) -> dict[str, int]:
    with importer.database.read() as view:
        return {row.sku: row.on_hand for row in view.stock.rows(place) if row.on_hand}


def test_what_a_whole_file_leaves_out_is_not_there(stocked):
    """Of its own locations; aisle and safety stock stay, the store and the ledger hear of it."""
    before = len(stocked.pokes.heads)
    summary = stocked("stock", told({"S1": range(20)}), name="second.csv", whole=True)
    assert summary.counts.emptied == 5
    assert on_hand(stocked, "S1") == {f"P{n:02}": 3 for n in range(20)}
    assert len(on_hand(stocked, "S2")) == 25
    assert len(stocked.pokes.heads) > before
    with stocked.database.read() as view:
        (row,) = view.stock.rows("S1", ["P22"])
        assert (row.aisle, row.safety_stock) == ("A22", 1)
        assert view.stock_ledger.sums()["S1", "P22"] == (0, 0)


def test_without_saying_so_a_file_tells_what_it_tells(stocked):
    """As before: what it is silent about stays."""
    assert stocked("stock", told({"S1": range(20)}), name="second.csv").counts.emptied == 0
    assert len(on_hand(stocked, "S1")) == 25


def test_a_file_that_was_cut_short_empties_no_store(stocked):
    """Most of a store is gone by it: its rows count, the rest stays until somebody is sure."""
    short = told({"S1": range(25 - FEW - 3)}, 4)
    with pytest.raises(ImportFailed, match=r"S1 \(13 of 25\) have") as caught:
        stocked("stock", short, name="second.csv", whole=True)
    assert caught.value.exit_code == EXIT_REFUSED
    assert len(on_hand(stocked, "S1")) == 25
    assert on_hand(stocked, "S1")["P00"] == 4
    summary = stocked("stock", short, name="second.csv", whole=True, sure=True)
    assert summary.counts.emptied == FEW + 3
    assert len(on_hand(stocked, "S1")) == 25 - FEW - 3


def test_a_file_with_a_value_that_was_cut_in_two_takes_nothing_away(stocked):
    """Its other rows count; what is left out stays until that row is mended."""
    cut = [*told({"S1": range(20)}), ("S1", "P24", 1, "A24", "200")]
    with pytest.raises(ImportFailed, match="1 rows are bad") as caught:
        stocked("stock", cut, name="second.csv", whole=True)
    assert caught.value.exit_code == EXIT_REFUSED
    assert on_hand(stocked, "S1") == {f"P{n:02}": 3 for n in range(25)}


def test_a_store_with_little_may_sell_out(stocked):
    """A few SKUs may go without a question, also if they are most of what is there."""
    stocked("stock", told({"S1": range(8)}), name="second.csv", whole=True, sure=True)
    stocked("stock", told({"S1": range(1)}), name="third.csv", whole=True)
    assert on_hand(stocked, "S1") == {"P00": 3}


@pytest.mark.parametrize("bad", [("S1", "P24", "many", ""), ("S1", "NONE", 4, "")])
def test_a_bad_row_may_be_what_is_missing(stocked, bad: tuple[object, ...]):
    """What it was to say nobody knows: what the file leaves out stays, and the caller hears why."""
    with pytest.raises(ImportFailed, match="1 rows are bad") as caught:
        stocked("stock", [*told({"S1": range(20)}, 4), bad], name="second.csv", whole=True)
    assert caught.value.exit_code == EXIT_REFUSED
    assert on_hand(stocked, "S1") == {f"P{n:02}": 4 if n < 20 else 3 for n in range(25)}


def test_a_file_that_is_known_empties_nothing(stocked):
    """It counted before what was sold since; all of it anew is for somebody to say."""
    part = told({"S1": range(20)})
    stocked("stock", part, name="second.csv")
    assert stocked("stock", part, name="second.csv", whole=True).already_done
    assert len(on_hand(stocked, "S1")) == 25
    stocked("stock", part, name="second.csv", whole=True, again=True)
    assert len(on_hand(stocked, "S1")) == 20


def test_an_interruption_before_the_end_is_gone_on_with(stocked, monkeypatch):
    """The rows are in, the rest not yet: the next run takes it away, and knows all rows."""
    part = told({"S1": range(20)}, 4)
    intake = type(stocked.target.intake)
    take, calls = intake.take_stock, []

    def broken(self, unit, items, source, reason):
        calls.append(len(items))
        if len(calls) > 1:
            raise RuntimeError("the power fails")
        take(self, unit, items, source, reason)

    with monkeypatch.context() as patch:
        patch.setattr(intake, "take_stock", broken)
        with pytest.raises(RuntimeError):
            stocked("stock", part, name="second.csv", whole=True)
    assert len(on_hand(stocked, "S1")) == 25
    summary = stocked("stock", part, name="second.csv", whole=True)
    assert (summary.counts.emptied, summary.counts.resumed_after) == (5, 20)
    assert len(on_hand(stocked, "S1")) == 20


def test_only_stock_can_be_whole(stocked):
    """A file of prices that says so is a mistake."""
    with pytest.raises(ImportFailed, match="--whole is for stock") as caught:
        stocked("products", PRODUCTS, whole=True)
    assert caught.value.exit_code == EXIT_USAGE


def test_a_refused_file_does_not_take_away_what_newer_ones_told(stocked):
    """Somebody follows its words two days later: its silence is older than the other file."""
    short = told({"S1": range(10)}, 4)
    with pytest.raises(ImportFailed, match="most SKUs"):
        stocked("stock", short, name="second.csv", whole=True)
    stocked("stock", told({"S1": range(20, 25)}, 9), name="third.csv")
    with pytest.raises(ImportFailed, match="--again"):
        stocked("stock", short, name="second.csv", whole=True, sure=True)
    assert on_hand(stocked, "S1")["P24"] == 9
    assert len(on_hand(stocked, "S1")) == 25


def test_rows_that_the_mapping_leaves_out_are_not_missing(stocked, tmp_path):
    """They are in the file: what is not among the others is nobody's word."""
    mapping = tmp_path / "only.toml"
    mapping.write_text('[only]\naisle = ["A1", "A2"]\n', "utf-8")
    with pytest.raises(ImportFailed, match="leaves out 18 rows") as caught:
        stocked("stock", told({"S1": range(20)}, 4), name="second.csv", whole=True, sure=True,
                map_file=mapping)  # fmt: skip
    assert caught.value.exit_code == EXIT_REFUSED
    assert len(on_hand(stocked, "S1")) == 25
