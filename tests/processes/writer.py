"""Appends to a journal in a process of its own, on a disk that begins to fail.

    python -m tests.processes.writer FOLDER --fault fsync|size --good N --failing M --after K

It says one line for each operation that is durable, and one for each refusal. N
operations come before the fault, M while it lasts, K after it (where a fault ends).
"""

import argparse
import json
import os
from pathlib import Path

from sync.edge.journal import Journal
from sync.edge.sqlite import Error
from tests.support.failing_disk import CannotFail, fail_every_fsync, limit_files_to
from tests.sync.edge.test_journal import KEY, add, record

STDOUT = 1
ROOM_BYTES = 20_000
"""How much the log may still grow."""


def tell(**document: object) -> None:
    """Write one line in one call."""
    os.write(STDOUT, (json.dumps(document) + "\n").encode())


def append(journal: Journal, numbers: range) -> None:
    """Append operations one by one and say what came of each."""
    for number in numbers:
        try:
            seq = add(journal, record(number))
        except Error as problem:
            tell(refused=str(problem), head=journal.head().seq)
        else:
            head = journal.head()
            tell(seq=seq, hash=head.hash.hex())


def main() -> None:
    """Run the writer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fault", choices=("fsync", "size"), required=True)
    for name in ("--good", "--failing", "--after"):
        parser.add_argument(name, type=int, required=True)
    options = parser.parse_args()
    journal = Journal(options.folder / "journal.db", KEY)
    append(journal, range(options.good))
    try:
        if options.fault == "fsync":
            fail_every_fsync()
        else:
            limit_files_to((options.folder / "journal.db-wal").stat().st_size + ROOM_BYTES)
    except CannotFail as reason:
        tell(unable=str(reason))
        return
    append(journal, range(options.failing))
    if options.fault == "size":
        limit_files_to(-1)
        append(journal, range(options.after))
    tell(done=True)
    os._exit(0)  # as a machine that loses its power: nothing is closed or checkpointed


if __name__ == "__main__":
    main()
