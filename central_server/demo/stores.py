"""The demo's stores: each a real machine of its own, behind a network that can be cut."""

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from central_server.demo.processes import Processes, run
from central_server.sample import sample_path
from sync.transport.switch import LinkMode, write_mode

STORE_MODULE = "store_client"
PROXY_MODULE = "sync.transport.chaos_proxy"


@dataclass
class DemoStore:
    """One store: a data folder, a daemon, and a switch for its network."""

    location_id: str
    folder: Path
    central_url: str = ""
    """As the store sees central: through its own proxy."""

    @property
    def switch(self) -> Path:
        """The file that cuts and restores its network."""
        return self.folder / "network.switch"

    @property
    def environment(self) -> Mapping[str, str]:
        """What every process of this store is told."""
        return {
            "HOLDSHELF_STORE_CENTRAL_URL": self.central_url,
            "HOLDSHELF_STORE_NETWORK_SWITCH": str(self.switch),
            "HOLDSHELF_STORE_TERMINAL": f"{self.location_id}-1",
            "HOLDSHELF_STORE_PAYMENT_TERMINAL": "simulated",
            "HOLDSHELF_STORE_DEMO_HINT": sign_in_hint(self.location_id),
        }

    @property
    def is_enrolled(self) -> bool:
        """Whether an earlier demo enrolled it."""
        return self._enrolled.exists()

    @property
    def _enrolled(self) -> Path:
        return self.folder / "enrolled"

    def connect(self, processes: Processes, central_port: int) -> None:
        """Put the store's own network between it and central."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.restore()
        said = processes.start_and_read_line(
            f"{self.location_id}-network", PROXY_MODULE, "--listen", "0",
            "--to", f"127.0.0.1:{central_port}", "--control", str(self.switch),
            "--parent", str(os.getpid()),
        )  # fmt: skip
        self.central_url = f"http://127.0.0.1:{said['port']}"

    def enrol(self, code: str) -> None:
        """Enrol with a one-time code and fetch the store's data."""
        run(
            STORE_MODULE, "--data-dir", str(self.folder), "enrol",
            "--central", self.central_url, "--code-file", "-",
            env=self.environment, stdin=code,
        )  # fmt: skip
        self._enrolled.touch()

    def start_daemon(self, processes: Processes) -> None:
        """Start the store's sync daemon."""
        processes.start(
            f"{self.location_id}-sync", STORE_MODULE, "--data-dir", str(self.folder), "sync",
            "--parent", str(os.getpid()),
            env=self.environment,
        )  # fmt: skip

    def start_associate(self, processes: Processes, seed: int, pause_s: float) -> None:
        """Let a practice associate work this store's queue for as long as the demo runs."""
        processes.start(
            f"{self.location_id}-associate", STORE_MODULE, "--data-dir", str(self.folder),
            "practice", "--forever", "--seed", str(seed), "--every", str(pause_s),
            "--parent", str(os.getpid()),
            env=self.environment,
        )  # fmt: skip

    def work(self, seed: int, steps: int = 100_000) -> list[str]:
        """Work the queue off now, at most `steps` steps; return what was done."""
        said = run(
            STORE_MODULE, "--data-dir", str(self.folder), "practice",
            "--seed", str(seed), "--steps", str(steps),
            env=self.environment,
        )  # fmt: skip
        return [str(json.loads(line)["did"]) for line in said.splitlines()]

    def status(self) -> dict[str, object]:
        """Return how the store stands with central."""
        return self._json("status", "--json")

    def digest(self) -> dict[str, object]:
        """Return the store's data for comparison."""
        return self._json("digest")

    def cut(self) -> None:
        """Cut the store's network: real sockets, reset."""
        write_mode(self.switch, LinkMode.CUT)

    def restore(self) -> None:
        """Let the store's network through again."""
        write_mode(self.switch, LinkMode.PASS)

    def _json(self, *arguments: str) -> dict[str, object]:
        said = run(STORE_MODULE, "--data-dir", str(self.folder), *arguments, env=self.environment)
        document: dict[str, object] = json.loads(said)
        return document


def sign_in_hint(location_id: str) -> str:
    """Return whom to sign in as at a store of the sample network, and with which PIN."""
    with sample_path("associates.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["location_id"] == location_id and row["role"] == "lead":
                return f"Demo: {row['associate_id']}, PIN {row['pin']}. F12 cuts the network."
    return ""
