"""HiGHS behind one small function: linear and mixed-integer programs over sparse columns.

It is loaded when it is first used, so that taking orders never waits for it. The
number of threads is never set: HiGHS fixes it for the process at its first run, and
a second value makes runs fail while the duals read zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class OptimizerMissing(Exception):
    """The optional package is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "highspy is not installed: pip install 'holdshelf[optimize]' for prices by linear"
            " programs and for deciding open orders together"
        )


class OptimizerFailed(Exception):
    """HiGHS ended without a solution or without valid duals."""


@dataclass(slots=True)
class Column:
    """A variable: its cost, its bounds, and its entries as (row, value)."""

    cost: float
    upper: float
    entries: Sequence[tuple[int, float]]
    is_integer: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The values of the columns and, of a linear program, the duals of the rows."""

    values: Sequence[float]
    duals: Sequence[float]
    cost: float


def minimise(
    columns: Sequence[Column],
    rows: Sequence[tuple[float, float]],
    *,
    seconds_max: float | None = None,
    gap: float = 1e-3,
    start: Sequence[float] | None = None,
) -> Answer:
    """Return the least-cost values of `columns` with every row within its bounds.

    Raises `OptimizerMissing`, or `OptimizerFailed` where no usable solution was found.
    """
    try:
        import highspy
    except ImportError as missing:
        raise OptimizerMissing from missing
    is_mixed = any(column.is_integer for column in columns)
    model = _model(highspy, columns, rows, is_mixed=is_mixed)
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", gap)
    if seconds_max is not None:
        solver.setOptionValue("time_limit", seconds_max)
    if solver.passModel(model) == highspy.HighsStatus.kError:
        raise OptimizerFailed
    if start is not None:
        given = highspy.HighsSolution()
        given.col_value = list(start)
        solver.setSolution(given)
    status = solver.run()
    found = solver.getSolution()
    if status == highspy.HighsStatus.kError or not found.value_valid:
        raise OptimizerFailed
    if not is_mixed and not found.dual_valid:
        raise OptimizerFailed
    duals = [] if is_mixed else list(found.row_dual)
    return Answer(list(found.col_value), duals, solver.getInfo().objective_function_value)


def _model(
    highspy: Any, columns: Sequence[Column], rows: Sequence[tuple[float, float]], *, is_mixed: bool
) -> Any:
    """Return the program as HiGHS wants it."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(columns), len(rows)
    model.col_cost_ = [column.cost for column in columns]
    model.col_lower_ = [0.0] * len(columns)
    model.col_upper_ = [column.upper for column in columns]
    model.row_lower_ = [low for low, _ in rows]
    model.row_upper_ = [high for _, high in rows]
    starts, indices, values = [0], list[int](), list[float]()
    for column in columns:
        for row, value in column.entries:
            indices.append(row)
            values.append(value)
        starts.append(len(indices))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = starts, indices
    model.a_matrix_.value_ = values
    if is_mixed:
        kinds = highspy.HighsVarType
        model.integrality_ = [
            kinds.kInteger if column.is_integer else kinds.kContinuous for column in columns
        ]
    return model
