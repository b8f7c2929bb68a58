"""`python -m tests.replay`: prove the whole house on real data, and print figures."""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.replay.central import Central
from tests.replay.data import FOLDERS, VARIABLE, data_folder
from tests.replay.play import Replay, Size, free_port
from tests.support.postgresql import NoPostgresql, PostgresqlServer

QUICK = Size(orders=300, stores=50, clients=4, is_whole=False)
SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Replay; return 0 only if every store agrees with central."""
    options = _parser().parse_args(arguments)
    data = data_folder()
    if data is None:
        print(f"replay: skipped, the real data ({', '.join(FOLDERS)}) is not there; {VARIABLE}"
              " names its folder")  # fmt: skip
        return 0
    full = Size(options.orders, options.stores, options.clients, options.workers)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    with (
        tempfile.TemporaryDirectory(prefix="holdshelf-replay-", dir=options.work) as folder,
        _database(options.database, Path(folder)) as url,
    ):
        central = Central(Path(folder), url, free_port())
        replay = Replay(central, data, Path(folder), QUICK if options.quick else full, say)
        found = replay.play()
    print(f"Replay on {options.database}:")
    print("\n".join(replay.table.lines()))
    if options.json is not None:
        document = {
            "database": options.database, "agree": not found,
            "figures": replay.table.document(), "differences": found[:SHOWN],
        }  # fmt: skip
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for difference in found[:SHOWN]:
        print(f"  DIFFERENCE {difference}")
    print("ALL STORES AGREE WITH CENTRAL" if not found else "STORES AND CENTRAL DIFFER")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="50 stores, 300 orders")
    parser.add_argument("--orders", type=int, default=10_500)
    parser.add_argument("--stores", type=int, default=None, help="default: all that are good")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--work", type=Path, default=None, help="where temporary files go")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    return parser


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'central.db'}"
        return
    try:
        server = PostgresqlServer(durable=True)
    except NoPostgresql as problem:
        raise SystemExit(f"replay: no PostgreSQL here: {problem}") from problem
    try:
        yield server.url(server.create())
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
