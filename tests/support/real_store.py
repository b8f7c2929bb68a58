"""A store's machine as real processes: the daemon, the terminal, and a driver that works for it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from store_client.bootstrap import files_of, open_store
from store_client.config import StoreSettings
from store_client.replica.digest import digest_of
from store_client.replica.locks import is_held
from store_client.replica.store import Store
from sync.protocol.digest import StoreDigest

MODULE = "store_client"


@dataclass
class RealStore:
    """One store machine in `folder`, which finds central at `central_url`."""

    folder: Path
    central_url: str
    switch: Path | None = None
    """Where its disk is told to fail (`tests.support.spoiled_disk`); None: it has no such disk."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def settings(self) -> StoreSettings:
        """The settings that its processes get."""
        return StoreSettings(data_dir=self.folder, central_url=self.central_url, terminal="till-1")

    @property
    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        return {
            **os.environ,
            "HOLDSHELF_STORE_CENTRAL_URL": self.central_url,
            "HOLDSHELF_STORE_TERMINAL": "till-1",
        }

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of `store-client`."""
        through = ["tests.support.spoiled_disk", str(self.switch)] if self.switch else []
        return [sys.executable, "-m", *through, MODULE, "--data-dir", str(self.folder), *arguments]

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, check=False,
            env=self.environment, timeout=120,
        )  # fmt: skip

    def enrol(self, code: str) -> None:
        """Enrol with a one-time code; the first round of sync is part of it."""
        done = self.run("enrol", "--central", self.central_url, "--code-file", "-", stdin=code)
        assert done.returncode == 0, done.stderr

    def start(self, command: list[str], *, stdout: int | None = None) -> "subprocess.Popen[bytes]":
        """Start a process of this machine; `stop` ends it at the latest."""
        with (self.folder / "processes.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log if stdout is None else stdout,
                stderr=log, env=self.environment,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start_daemon(self) -> "subprocess.Popen[bytes]":
        """Start `store-client sync`."""
        return self.start(self.command("sync"))

    def sync_once(self) -> dict[str, object]:
        """Run one round of the daemon as a process and return its report."""
        done = self.run("sync", "--once", "--json")
        report: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return report

    @property
    def has_daemon(self) -> bool:
        """Whether a daemon runs on this machine."""
        return is_held(files_of(self.settings).daemon_lock)

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Open its files in this process too, as another terminal would."""
        store = open_store(self.settings)
        try:
            yield store
        finally:
            store.close()

    def digest(self) -> StoreDigest:
        """Return what this store sees."""
        with self.opened() as store:
            return digest_of(store)

    def stop(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            kill(process)
        self.processes.clear()


def kill(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL a process, if it still lives, and reap it."""
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
