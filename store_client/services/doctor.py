"""What a technician wants to know first about a store machine."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from store_client.devices import OPEN_STATES, PrintJob
from store_client.replica.keys import is_plain
from store_client.replica.store import Store
from sync.edge.sqlite import engine_version
from sync.protocol.version import LOWEST_SERVED, PROTOCOL_VERSION

FREE_BYTES_MIN = 200 * 1024 * 1024
CLOCK_OFFSET_MS_MAX = 2 * 60_000
SILENCE_MS_MAX = 10 * 60_000
KEY_MODE = 0o600
WAL_BYTES_MAX = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it is well, and what was seen."""

    name: str
    ok: bool
    text: str


def examine(
    store: Store,
    failed_sales: Sequence[str] = (),
    prints: Sequence[PrintJob] = (),
    sales_problem: str = "",
) -> list[Finding]:
    """Return findings on the machine, worst news included; reads only.

    `sales_problem` is what is wrong with the folder of the point of sale, empty for nothing.
    """
    machine = [_engine(store), _protocol(), _key(store), _disk(store), _wal(store)]
    return [
        *machine,
        *_connection(store),
        _sales(store, failed_sales, sales_problem),
        _printing(prints),
    ]


def _engine(store: Store) -> Finding:
    if is_plain(store.files.journal) or is_plain(store.files.replica):
        text = (
            f"{engine_version()}, NOT encrypted: let it send everything, then enrol this machine in"
            " an empty folder"
        )
        return Finding("sqlite", ok=False, text=text)
    return Finding("sqlite", ok=True, text=f"{engine_version()}, encrypted")


def _protocol() -> Finding:
    return Finding("protocol", ok=True, text=f"speaks {LOWEST_SERVED} to {PROTOCOL_VERSION}")


def _key(store: Store) -> Finding:
    mode = store.files.key.stat().st_mode & 0o777
    return Finding("key", mode == KEY_MODE, f"{store.files.key} has mode {mode:03o} (600 is right)")


def _disk(store: Store) -> Finding:
    free = shutil.disk_usage(store.files.folder).free
    return Finding("disk", free > FREE_BYTES_MIN, f"{free // 1_000_000} MB free")


def _wal(store: Store) -> Finding:
    wal = store.files.journal.with_name(store.files.journal.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    return Finding("journal WAL", size < WAL_BYTES_MAX, f"{size // 1000} kB")


def _sales(store: Store, failed: Sequence[str], problem: str) -> Finding:
    text = f"{store.sales_taken()} taken"
    if failed:
        text += f", {len(failed)} files in failed/, such as {failed[0]}"
    if problem:
        text += f", {problem}"
    return Finding("sales", not failed and not problem, text)


def _printing(jobs: Sequence[PrintJob]) -> Finding:
    waiting = [job for job in jobs if job.state in OPEN_STATES]
    stuck = [job for job in waiting if job.problem]
    if not stuck:
        return Finding("printing", ok=True, text=f"{len(waiting)} jobs wait")
    first = stuck[0]
    return Finding(
        "printing", ok=False, text=f"{len(stuck)} stuck, {first.printer}: {first.problem}"
    )


def _connection(store: Store) -> list[Finding]:
    state = store.sync_state()
    now_ms = store.clock.now_ms()
    if state.last_contact_ms is None:
        contact = Finding("contact", ok=False, text="central has never answered this machine")
    else:
        silent_ms = now_ms - state.last_contact_ms
        text = f"central answered {silent_ms // 1000} s ago"
        contact = Finding("contact", silent_ms < SILENCE_MS_MAX, text)
    offset = abs(state.clock_offset_ms)
    return [
        Finding("daemon", state.daemon_alive, "runs" if state.daemon_alive else "does not run"),
        contact,
        Finding("clock", offset < CLOCK_OFFSET_MS_MAX, f"{offset} ms from central's"),
        Finding("sending", not state.halted, state.last_error or "not halted"),
        Finding("backlog", ok=True, text=f"{state.backlog} operations wait"),
        Finding("quarantine", state.quarantined == 0, f"{state.quarantined} operations held back"),
    ]
