"""What this machine can do at all: the plainest program for the same kind of work."""

import http.server
import subprocess
import sys
import threading
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import sqlcipher3.dbapi2 as sqlite

from tests.benchmarks.measure import median, percentile, rates

INSERTED = 50_000
COMMITS = 300
BODY = '{"v":1,"by":"A100","dev":"till-1","op":{"kind":"line_picked","line":1},"at":1763900000000}'


def database(path: Path, synchronous: str, key: str = "") -> Any:
    """Open a bare SQLite file in WAL mode with one table of id and text."""
    connection = sqlite.connect(str(path), isolation_level=None)
    if key:
        connection.execute(f"PRAGMA key = \"x'{key}'\"")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute(f"PRAGMA synchronous = {synchronous}").fetchall()
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    return connection


def commit_ms(path: Path, commits: int = COMMITS) -> list[float]:
    """Return the milliseconds of commits of one row each, synchronous FULL."""
    connection = database(path, "FULL")
    took = []
    for _ in range(commits):
        began = time.perf_counter()
        connection.execute("INSERT INTO t (body) VALUES (?)", (BODY,))
        took.append((time.perf_counter() - began) * 1000)
    connection.close()
    return took


def inserts_per_s(path: Path, synchronous: str = "FULL", key: str = "") -> float:
    """Return rows a second of `executemany` in transactions of 1,000."""
    connection = database(path, synchronous, key)
    numbers = count(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM t").fetchone()[0])

    def insert() -> int:
        for _ in range(INSERTED // 1000):
            connection.execute("BEGIN IMMEDIATE")
            rows = [(next(numbers), BODY) for _ in range(1000)]
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        return INSERTED

    rate = rates(insert)
    connection.close()
    return rate


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        # In one piece: two small writes would wait for each other's acknowledgement.
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def log_message(self, *_: object) -> None:
        pass


def http_round_trip_ms(requests: int = 300) -> list[float]:
    """Return the milliseconds of GETs of two bytes over one kept-alive loopback connection."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    took = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(requests):
            began = time.perf_counter()
            client.get(f"http://127.0.0.1:{server.server_port}/")
            took.append((time.perf_counter() - began) * 1000)
    server.shutdown()
    server.server_close()
    return took


@cache
def http_p99_ms() -> float:
    """Return the 99th percentile of a bare loopback round trip."""
    return percentile(http_round_trip_ms(), 0.99)


TRIVIAL_APP = """
from textual.app import App
from textual.widgets import Static
class Trivial(App):
    def compose(self):
        yield Static("trivial app")
Trivial().run()
"""


def trivial_command() -> list[str]:
    """Return the command of a Textual program of one line of text."""
    return [sys.executable, "-c", TRIVIAL_APP]


def peak_memory_mb() -> float:
    """Return the most memory that this process had, in MB; not what its parent had before it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def trivial_memory_mb() -> float:
    """Return the most memory of a Textual program of one line of text, without a screen."""
    program = TRIVIAL_APP.replace(
        "Trivial().run()",
        "import asyncio\n"
        "from tests.benchmarks.baselines import peak_memory_mb\n"
        "async def run():\n"
        "    async with Trivial().run_test() as pilot:\n"
        "        await pilot.pause()\n"
        "asyncio.run(run())\n"
        "print(peak_memory_mb())\n",
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def python_start_s(repetitions: int = 5) -> float:
    """Return how long an empty Python program takes."""
    took = []
    for _ in range(repetitions):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        took.append(time.perf_counter() - began)
    return median(took)
