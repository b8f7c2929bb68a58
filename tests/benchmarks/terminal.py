"""tui_start_s and tui_scan_p99_ms: the real terminal, with 50,000 SKUs and 2,000 open orders."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import baselines
from tests.benchmarks.measure import Figure, median, percentile
from tests.benchmarks.site import a_central, a_store, temporary
from tests.support.network import Size
from tests.support.real_store import RealStore

SIZE = Size(stores=1, skus=50_000, stocked=5_000, on_hand=100_000)
ORDERS = 2_000
STARTS = 5
PAINT_SECONDS = 20.0
ROWS, COLUMNS = 36, 120
SIGN_IN = b"Who is at the terminal"
TRIVIAL = b"trivial app"


def measure() -> Iterator[Figure]:
    """Start the terminal five times, a trivial one in between; then scan."""
    with (
        temporary() as folder,
        a_central(folder, SIZE, ORDERS) as central,
        a_store(folder, central) as machine,
    ):
        yield from _start(machine)
        yield from _scan(machine, folder)


def _start(machine: RealStore) -> Iterator[Figure]:
    ours, trivial = [], []
    for _ in range(STARTS):
        trivial.append(first_paint_s(baselines.trivial_command(), TRIVIAL, os.environ))
        ours.append(first_paint_s(machine.command("run"), SIGN_IN, machine.environment))
    words = "a Textual program of one line of text, to the same moment"
    yield Figure("tui_start_s", median(ours), "s", words, median(trivial))


def first_paint_s(command: Sequence[str], text: bytes, environment: Mapping[str, str]) -> float:
    """Return the seconds from starting a program in a new terminal until `text` was painted."""
    began = time.perf_counter()
    with in_terminal(command, environment) as (_, screen):
        seen = b""
        while text not in seen:
            left = PAINT_SECONDS - (time.perf_counter() - began)
            ready, _, _ = select.select([screen], [], [], max(0.0, left))
            if not ready:
                raise TimeoutError(f"{text!r} was not painted; the last bytes are {seen[-500:]!r}")
            seen += os.read(screen, 65536)
        return time.perf_counter() - began


@contextmanager
def in_terminal(
    command: Sequence[str], environment: Mapping[str, str]
) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """Run a program on a pseudo-terminal of its own; it is ended with the block."""
    screen, inner = pty.openpty()
    _resize(inner)
    process = subprocess.Popen(
        command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)},
    )  # fmt: skip
    os.close(inner)
    try:
        yield process, screen
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(screen)


def _resize(descriptor: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))


def _scan(machine: RealStore, folder: Path) -> Iterator[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scanning", str(machine.folder)],
        capture_output=True, text=True, check=False, env=machine.environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    took: list[float] = json.loads(done.stdout.splitlines()[-1])
    raw = baselines.commit_ms(folder / "raw.db")
    words = "a bare sqlcipher3 commit of one row, FULL, {}"
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            f"tui_scan_{name}_ms", percentile(took, share), "ms", words.format(name),
            percentile(raw, share),
        )  # fmt: skip
