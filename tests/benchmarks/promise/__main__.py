"""`python -m tests.benchmarks.promise`: what each way of keeping stock back is worth."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.promise.figures import (
    Table,
    default_lines,
    document,
    matched_lines,
    price_lines,
    row,
    table_lines,
)
from tests.benchmarks.promise.outages import AWAY_SHARE, AWAY_SHARE_BAD, LENGTHS_S, schedule
from tests.benchmarks.promise.play import Count, Play
from tests.benchmarks.promise.plot import svg
from tests.benchmarks.promise.policies import DEFAULT, PICK_S, POLICIES, Policy
from tests.benchmarks.promise.trace import Shape, Trace, real_trace
from tests.replay.data import FOLDERS, VARIABLE, data_folder

QUICK = Shape(stores=3, skus=15)
LEGEND = """{stores} stores, {skus} SKUs, {weeks} weeks of which the first {warm_up} only teach.
{floor:,.0f} floor units and {online:,.0f} online units asked for; {full:,.0f} units when full.
Mean of {seeds} seeds ± standard deviation. Good stores are away {away:.0%} of the time, bad ones
{away_bad:.0%}. Orders are picked {pick} min after their store heard of them.
shown: units shown online, mean over time. sold: promises picked. late: of these, heard of more
than 4 h after. broken: no unit there, or moved and nobody had one. moved: not confirmed in time.
over: floor sales beyond the floor rights while away. refused: floor sales refused (strict)."""
QUICK_LENGTHS = ("1 h", "24 h")


def main(arguments: list[str] | None = None) -> int:
    """Play all policies; return 0 only if every ledger adds up and no rule was broken."""
    options = _parser().parse_args(arguments)
    data = data_folder()
    if data is None:
        print(f"bench-promise: skipped, the real data ({', '.join(FOLDERS)}) is not there;"
              f" {VARIABLE} names its folder")  # fmt: skip
        return 0
    began = time.monotonic()
    shape = QUICK if options.quick else Shape()
    seeds = range(1, (1 if options.quick else options.seeds) + 1)
    traces = [real_trace(data, shape, seed) for seed in seeds]
    lengths = QUICK_LENGTHS if options.quick else tuple(LENGTHS_S)
    print("\n".join(_setting(shape, traces)), flush=True)
    tables: dict[str, Table] = {}
    problems: list[str] = []
    for length in lengths:
        tables[length] = {
            policy.name: row(
                list(_runs(traces, length, policy, problems, is_checked=options.quick))
            )
            for policy in POLICIES
        }
        print("\n" + "\n".join(table_lines(length, tables[length])), flush=True)
    print("\nEarned (sales less broken promises at their price), by price of a broken promise")
    print("\n".join(price_lines(tables)))
    print("\nWhere a sized curve breaks as many promises as (± standard error over the seeds)")
    print("\n".join(matched_lines(tables)))
    print(f"\n{DEFAULT.name} against")
    print("\n".join(default_lines(tables)))
    _write(options.json, options.plot, shape, traces, tables)
    print(f"\nWritten to {options.json} and {options.plot}; {time.monotonic() - began:.0f} s")
    for problem in problems[:20]:
        print(f"  PROBLEM {problem}")
    return 1 if problems else 0


def _runs(
    traces: list[Trace], length: str, policy: Policy, problems: list[str], *, is_checked: bool
) -> Iterator[Count]:
    """Play one policy under each seed; a quick run checks the rights at every step."""
    for seed, trace in enumerate(traces, start=1):
        outages = schedule(trace.shape, LENGTHS_S[length], seed)
        play = Play(trace, outages, policy, is_checked=is_checked)
        yield play.run()
        problems += [f"{policy.name}, {length}, seed {seed}: {text}" for text in play.problems()]


def _setting(shape: Shape, traces: list[Trace]) -> list[str]:
    floor = sum(trace.floor_units for trace in traces) / len(traces)
    online = sum(len(trace.asks) for trace in traces) / len(traces) - floor
    full = sum(sum(trace.level) for trace in traces) / len(traces)
    return [
        LEGEND.format(
            stores=shape.stores, skus=shape.skus, weeks=shape.weeks, warm_up=shape.warm_up_weeks,
            floor=floor, online=online, full=full, seeds=len(traces), away=AWAY_SHARE,
            away_bad=AWAY_SHARE_BAD, pick=PICK_S // 60,
        )
    ]  # fmt: skip


def _write(
    json_file: Path, plot_file: Path, shape: Shape, traces: list[Trace], tables: dict[str, Table]
) -> None:
    for path in (json_file, plot_file):
        path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "stores": shape.stores, "skus": shape.skus, "weeks": shape.weeks, "seeds": len(traces),
        "default": DEFAULT.name, "figures": document(tables),
    }  # fmt: skip
    json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    plot_file.write_text(svg(tables), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.promise", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 stores, 15 SKUs, one seed")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (default: 3)")
    parser.add_argument("--json", type=Path, default=Path("build/promise.json"))
    parser.add_argument("--plot", type=Path, default=Path("build/promise.svg"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
