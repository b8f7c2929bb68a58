"""Central as a real process on loopback: started, killed and started again on one port."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from central_server.bootstrap import Parts, opened
from central_server.config import CentralSettings
from sync.protocol.digest import StoreDigest
from tests.support.network import Size, fill
from tests.support.waiting import until

SECRET = "a secret for tests only, long enough to sign with"
ALL_SCOPES = ("admin",)
READY_SECONDS = 30.0
STOP_SECONDS = 15.0


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class RealCentral:
    """One central: its database, its port, and the process that serves it at the moment."""

    folder: Path
    database_url: str = ""
    """Empty: SQLite in `folder`."""
    port: int = field(default_factory=free_port)
    settings_extra: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    switch: Path | None = None
    """Where its disk is told to fail (`tests.support.spoiled_disk`); None: it has no such disk."""
    process: subprocess.Popen[bytes] | None = None
    _client: httpx.Client | None = None

    @property
    def url(self) -> str:
        """Where stores and shops find it."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def opened(self) -> Iterator[Parts]:
        """Open its database in this process, beside or instead of the serving one."""
        settings = CentralSettings(
            data_dir=self.folder, database_url=self.database_url, server_secret=SECRET
        )
        with opened(settings) as parts:
            yield parts

    def prepare(self, size: Size) -> None:
        """Make the schema, a network of `size` and a key that may do everything."""
        with self.opened() as parts:
            parts.migrate()
            fill(parts, size)
            self.key = parts.central.keys.create("tests", ALL_SCOPES)

    def command(self) -> list[str]:
        """Return the command line that serves it."""
        through = ["tests.support.spoiled_disk", str(self.switch)] if self.switch else []
        return [sys.executable, "-m", *through, "central_server", "serve"]

    def start(self) -> None:
        """Serve, and return once it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "central.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
            )  # fmt: skip
        until(self._is_ready, f"central is ready, see {self.folder}", within_s=READY_SECONDS)

    def _environment(self) -> dict[str, str]:
        given = {
            "HOLDSHELF_CENTRAL_DATA_DIR": str(self.folder),
            "HOLDSHELF_CENTRAL_PORT": str(self.port),
            "HOLDSHELF_CENTRAL_SERVER_SECRET": SECRET,
            **self.settings_extra,
        }
        if self.database_url:
            given["HOLDSHELF_CENTRAL_DATABASE_URL"] = self.database_url
        return {**os.environ, **given}

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            text = (self.folder / "central.log").read_text(encoding="utf-8")
            raise AssertionError(f"central ended with {self.process.returncode}: {text[-2000:]}")
        try:
            return self.client.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    @property
    def client(self) -> httpx.Client:
        """A client with a key that may do everything."""
        if self._client is None:
            headers = {"Authorization": f"Bearer {self.key}"}
            self._client = httpx.Client(
                base_url=self.url, headers=headers, trust_env=False, timeout=20.0
            )
        return self._client

    def kill(self) -> None:
        """SIGKILL: no farewell, no flush."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def terminate(self) -> int:
        """SIGTERM; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=STOP_SECONDS)
        self.process = None
        return code

    def stop(self) -> None:
        """End whatever runs; for the end of a test."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    # --- what tests ask of it ---------------------------------------------------------

    def place(self, number: int, lines: list[tuple[str, int]], at: str = "S001") -> dict:
        """Place order `number` through the public API and return it."""
        body = {
            "location_id": at,
            "customer": {"name": f"Customer {number}"},
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        }
        answer = self.client.post(
            "/v1/orders", json=body, headers={"Idempotency-Key": f"order-{number}"}
        )
        answer.raise_for_status()
        order: dict = answer.json()
        return order

    def enrolment_code(self, location_id: str) -> str:
        """Return a one-time code for a device of a location."""
        answer = self.client.post("/v1/admin/enrolment-codes", json={"location_id": location_id})
        answer.raise_for_status()
        return str(answer.json()["code"])

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `central-server` on this central's database to its end."""
        return subprocess.run(
            [sys.executable, "-m", "central_server", *arguments],
            capture_output=True, text=True, check=False, env=self._environment(), timeout=120,
        )  # fmt: skip

    def digest(self, location_id: str) -> StoreDigest:
        """Return what central has of a store."""
        answer = self.client.get(f"/v1/stores/{location_id}/digest").raise_for_status()
        return StoreDigest.model_validate_json(answer.content)
