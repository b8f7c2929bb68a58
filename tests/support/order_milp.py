"""One order as a mixed-integer program for HiGHS: what the solver is compared with."""

from central_server.sourcing.engine.problem import Problem


def milp_cost(problem: Problem, gap: float = 1e-9) -> float:
    """Return the optimum: y opens an option, x <= units * y, every item served as far as can be.

    Caps, places and limits of shipments are not modelled.
    """
    import highspy

    options = len(problem.fixed)
    cells = [(option, cell) for option, row in enumerate(problem.rows) for cell in row]
    able = [
        min(wanted, sum(units for _, (number, _, units) in cells if number == item))
        for item, wanted in enumerate(problem.wanted)
    ]
    items, columns = len(able), options + len(cells)
    starts, indices, values = [0], [], []
    opening: list[list[int]] = [[] for _ in range(options)]
    for row, (option, _) in enumerate(cells):
        opening[option].append(row)
    for rows in opening:
        indices += [items + row for row in rows]
        values += [-float(cells[row][1][2]) for row in rows]
        starts.append(len(indices))
    for row, (_, cell) in enumerate(cells):
        indices += [cell[0], items + row]
        values += [1.0, 1.0]
        starts.append(len(indices))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, items + len(cells)
    lp.col_cost_ = list(problem.fixed) + [cell[1] for _, cell in cells]
    lp.col_lower_ = [0.0] * columns
    lp.col_upper_ = [1.0] * options + [float(cell[2]) for _, cell in cells]
    lp.integrality_ = [highspy.HighsVarType.kInteger] * options + [
        highspy.HighsVarType.kContinuous
    ] * len(cells)
    lp.row_lower_ = [float(units) for units in able] + [-highspy.kHighsInf] * len(cells)
    lp.row_upper_ = [float(units) for units in able] + [0.0] * len(cells)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = starts
    lp.a_matrix_.index_ = indices
    lp.a_matrix_.value_ = values
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", gap)
    solver.passModel(lp)
    assert solver.run() == highspy.HighsStatus.kOk
    return float(solver.getInfo().objective_function_value)
