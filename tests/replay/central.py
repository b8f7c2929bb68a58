"""Central as a real process, and the commands that are run beside it."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.support.waiting import NotInTime, until

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20


class Central:
    """One installation: a database, settings in the environment, a server process."""

    def __init__(self, folder: Path, database_url: str, port: int) -> None:
        self.folder = folder
        self.database_url = database_url
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._environment = {
            **os.environ,
            "HOLDSHELF_CENTRAL_DATA_DIR": str(folder),
            "HOLDSHELF_CENTRAL_DATABASE_URL": database_url,
            "HOLDSHELF_CENTRAL_SERVER_SECRET": secrets.token_hex(32),
            "HOLDSHELF_CENTRAL_LOG_LEVEL": "warning",
        }

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run `central-server arguments --json` to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "central_server", *arguments, "--json"],
            env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"central-server {arguments[0]}: {done.stderr.strip()}")
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve for the time of the block."""
        with (self.folder / "central.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "central_server", "serve", "--port", str(self._port)],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                self._await_ready(process)
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_SECONDS_MAX)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        def is_ready() -> bool:
            if process.poll() is not None:
                raise NotInTime("it ended")
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
            return False

        with contextlib.suppress(NotInTime):
            until(is_ready, "central is ready", within_s=START_SECONDS_MAX)
            return
        said = (self.folder / "central.log").read_text(encoding="utf-8")[-2000:]
        raise RuntimeError(f"central did not become ready: {said}")
