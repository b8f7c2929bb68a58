"""Puts a store machine together. The only place that names concrete adapters."""

import contextlib
import fcntl
import gc
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from store_client.config import StoreSettings
from store_client.hardware import Hardware, hardware_of
from store_client.replica.keys import key_of, make_key, require_encrypted
from store_client.replica.locks import is_held
from store_client.replica.store import Files, Store
from sync.clock import SystemClock
from sync.domain.people import MAY_OVERRIDE

if TYPE_CHECKING:
    from store_client.app import StoreApp
    from store_client.jobs import DaemonProcess
    from store_client.pos.server import PosServer
    from store_client.replica.copies import Copied
    from store_client.services.desk import Actor, Desk
    from sync.transport.http import HttpEndpoint

APP_VERSION = "0.1.0"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
IDLE_S = 0.2
FULL_COLLECTIONS_EVERY = 1_000
"""Collections of the middle generation to one of everything: some minutes of hectic work."""


class NotEnrolled(Exception):
    """This machine is not enrolled yet."""


class AlreadyEnrolled(Exception):
    """This machine belongs to a store already."""


class DaemonRuns(Exception):
    """Another process of this machine is the daemon."""


def files_of(settings: StoreSettings) -> Files:
    """Return where this machine keeps its things."""
    return Files(settings.data_dir)


def boot_id() -> str:
    """Return a name for this boot of the machine: monotonic times count within it."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return f"{SystemRandom().getrandbits(32):08x}"


def open_store(settings: StoreSettings) -> Store:
    """Open the store's files; raise `NotEnrolled` before enrolment."""
    files = files_of(settings)
    if not files.journal.exists() or not files.key.exists():
        raise NotEnrolled(f"no store in {files.folder}: run `store-client enrol` first")
    store = _open(files, settings)
    try:
        store.identity  # noqa: B018 - raises where the enrolment did not end
    except LookupError as problem:
        store.close()
        raise NotEnrolled("the enrolment did not end: run `store-client enrol` again") from problem
    return store


def _open(files: Files, settings: StoreSettings) -> Store:
    return Store(
        files, SystemClock(), key=key_of(files), boot_id=boot_id(),
        evidence_folder=settings.evidence_dir,
    )  # fmt: skip


def back_up(settings: StoreSettings, folder: Path) -> "Copied":
    """Copy the journal into `folder`; terminals and the daemon may go on."""
    from store_client.replica.copies import back_up as copy_out

    store = open_store(settings)
    try:
        return copy_out(store, key_of(store.files), folder)
    finally:
        store.close()


def restore(settings: StoreSettings, folder: Path, *, force: bool) -> "Copied":
    """Put a copy of the journal in its place; raises what `copies.restore` raises."""
    from store_client.replica.copies import NAME
    from store_client.replica.copies import restore as copy_in

    files = files_of(settings)
    if not files.key.exists():
        raise NotEnrolled(f"put the store's key back first: {files.key}")
    return copy_in(
        files, SystemClock(), key_of(files, folder / NAME), folder,
        force=force, evidence_folder=settings.evidence_dir,
    )  # fmt: skip


def enrol(settings: StoreSettings, central_url: str, code: str, *, anew: bool = False) -> str:
    """Enrol this machine with a one-time code; return the store's name.

    The device's key pair is made here and the private half never leaves. A machine
    that is shut out (a copy of another, retired, or `anew`) gets a new name, under
    which it takes over what it has not sent. Raises `AlreadyEnrolled`,
    `DaemonRuns`, `UnsafeDatabase`, or what the transport raises.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sync.domain.ids import new_id
    from sync.edge.journal import Identity
    from sync.edge.recovery import take_over
    from sync.protocol.session import EnrolRequest
    from sync.transport.client import open_client
    from sync.transport.http import enrol as enrol_at

    files = files_of(settings)
    make_key(files)
    descriptor = _take_daemon_lock(files.daemon_lock)
    store = _open(files, settings)
    try:
        is_again = _is_enrolled(store)
        if is_again and not anew and not store.sync_state().halted:
            raise AlreadyEnrolled(f"this machine belongs to {store.location_id} already")
        if not is_again:
            require_encrypted(files)
        private = Ed25519PrivateKey.generate()
        random = SystemRandom()
        request = EnrolRequest(
            code=code,
            replica_id=new_id(SystemClock().now_ms(), random),
            install_nonce=secrets.token_hex(8),
            public_key=private.public_key().public_bytes_raw().hex(),
            app_version=APP_VERSION,
            follows=store.identity.replica_id if is_again else "",
        )
        answer = enrol_at(
            central_url,
            request,
            client_factory=lambda url: open_client(url, ca_file=settings.ca_file),
        )
        identity = Identity(
            replica_id=request.replica_id,
            location_id=answer.location_id,
            epoch=1,
            install_nonce=request.install_nonce,
            private_key=private.private_bytes_raw().hex(),
            server_id=answer.server_id,
            central_url=central_url,
        )
        if is_again:
            take_over(store.journal, identity, store.clock.now_ms())
        else:
            store.journal.enrol(identity)
        return answer.location_name
    finally:
        store.close()
        os.close(descriptor)


def _is_enrolled(store: Store) -> bool:
    try:
        return bool(store.identity.replica_id)
    except LookupError:
        return False


@dataclass
class RunningDaemon:
    """The daemon of this process, with what has to be closed after it."""

    process: "DaemonProcess"
    store: Store
    _lock_descriptor: int
    _endpoint: "HttpEndpoint"
    pos: "PosServer | None" = None

    def close(self) -> None:
        """Give everything back."""
        if self.pos is not None:
            self.pos.stop()
        self._endpoint.close()
        self.store.close()
        os.close(self._lock_descriptor)


def build_daemon(settings: StoreSettings, *, parent_pid: int | None = None) -> RunningDaemon:
    """Return the daemon; raise `DaemonRuns` where this machine has one already."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from store_client.central import endpoint_of
    from store_client.chores import chores_of
    from store_client.jobs import DaemonProcess
    from sync.edge.daemon import SyncDaemon
    from sync.edge.escrow import ShareKeeper

    store = open_store(settings)
    descriptor = _take_daemon_lock(store.files.daemon_lock)
    identity = store.identity
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(identity.private_key))
    endpoint = endpoint_of(settings, store)
    random: Random = SystemRandom()
    daemon = SyncDaemon(
        endpoint,
        store.journal,
        store.writer,
        ShareKeeper(store.journal, store.shares, store.clock, boot_id()),
        sign=lambda text: key.sign(text).hex(),
        clock=store.clock,
        random=random,
        parts_folder=store.files.parts,
        app_version=APP_VERSION,
    )
    pos = _pos_server(settings, store)
    process = DaemonProcess(
        daemon, store.journal, endpoint, store.clock, random, parent_pid,
        chores=tuple(chores_of(settings, store, pos, hardware_beside(settings, store))),
    )  # fmt: skip
    return RunningDaemon(process, store, descriptor, endpoint, pos)


def central_now(
    settings: StoreSettings, store: Store
) -> contextlib.AbstractContextManager["HttpEndpoint"]:
    """Give central with a session of this device, for what needs its answer at once."""
    from store_client.central import asking

    return asking(settings, store, boot_id=boot_id(), app_version=APP_VERSION)


def _pos_server(settings: StoreSettings, store: Store) -> "PosServer | None":
    """Return what answers the point of sale, where that is switched on."""
    if not settings.pos_port:
        return None
    from store_client.pos.server import PosServer, token_in

    token = token_in(store.files.pos_token)
    return PosServer(store, store.clock, port=settings.pos_port, token=token)


def failed_sales(settings: StoreSettings) -> list[str]:
    """Return the newest files of the point of sale that somebody has to look at."""
    from store_client.pos.folder import failed_files

    return [] if settings.pos_folder is None else failed_files(settings.pos_folder)


def sales_problem(settings: StoreSettings) -> str:
    """Return what is wrong with the folder of the point of sale; empty for nothing."""
    from store_client.pos.folder import problem_of

    return "" if settings.pos_folder is None else problem_of(settings.pos_folder)


@dataclass(frozen=True, slots=True)
class TypedSale:
    """A sale as it is typed at the command line: codes with their units."""

    transaction: str
    items: tuple[tuple[str, int], ...]


def sell(
    settings: StoreSettings, store: Store, told: TypedSale, override_by: str, pin: str, breaks: str
) -> dict[str, Any]:
    """Keep a sale and return it as it is kept; raise `ValueError` for what cannot be one."""
    from store_client.pos.answers import PosDesk, sale_document
    from store_client.pos.records import read_sale
    from store_client.services.sales import Override
    from store_client.services.sign_in import Attempt

    if not store.sync_state().bootstrapped:
        raise ValueError("This store's data has not arrived yet: let it sync, and try again.")
    lines = [{"sku": code, "quantity": units} for code, units in told.items]
    sale = read_sale({"transaction": told.transaction, "lines": lines})
    override = Override(Attempt(override_by, pin), breaks=breaks) if override_by else None
    sold = PosDesk(store, store.clock).sell(sale, settings.terminal, override)
    return {**sale_document(sold), "known": not sold.first}


def _take_daemon_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        os.close(descriptor)
        raise DaemonRuns("a sync daemon runs on this machine already") from problem
    return descriptor


def start_daemon(settings: StoreSettings) -> subprocess.Popen[bytes] | None:
    """Start the daemon as a process of its own, unless one runs; it ends with this process."""
    files = files_of(settings)
    if is_held(files.daemon_lock):
        return None
    command = [
        sys.executable, "-m", "store_client", "--data-dir", str(settings.data_dir),
        "sync", "--parent", str(os.getpid()),
    ]  # fmt: skip
    with (files.folder / "daemon.log").open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def build_app(
    settings: StoreSettings, store: Store, *, when_shown: Callable[[], None] | None = None
) -> "StoreApp":
    """Return the terminal. Textual is imported here, so that the daemon never loads it.

    `when_shown` is called once, when the first screen stands.
    """
    from store_client.app import StoreApp
    from store_client.services.alerts import AlertSettings, read_minute
    from store_client.services.desk import TerminalSettings
    from store_client.services.scanner import ScannerSettings

    _keep_pauses_short()
    scanner = settings.scanner
    hardware = hardware_beside(settings, store)
    terminal = TerminalSettings(
        device=settings.terminal,
        log_path=settings.data_dir / "terminal.log",
        running_marker=settings.data_dir / "terminal.running",
        network_switch=settings.network_switch,
        demo_hint=settings.demo_hint,
        idle_lock_seconds=settings.idle_lock_seconds,
        alerts=AlertSettings(
            bell=settings.alerts.bell,
            quiet_from=read_minute(settings.alerts.quiet_from),
            quiet_until=read_minute(settings.alerts.quiet_until),
            again_minutes=settings.alerts.again_minutes,
        ),
        paper=hardware.paper,
        devices=hardware.devices,
        scanner=ScannerSettings(
            prefix=scanner.prefix,
            suffix=scanner.suffix,
            gap_ms=scanner.gap_ms,
            length_min=scanner.min_length,
        ),
    )
    return StoreApp(store, store.clock, terminal, when_shown=when_shown)


def reading_desk(settings: StoreSettings, store: Store) -> "Desk":
    """Return the desk of a command line that nobody has signed in at: it may only read."""
    from store_client.services.desk import Actor
    from sync.domain.people import Role

    return _desk(settings, store, Actor("", "Nobody", Role.AUDITOR))


def open_desk(settings: StoreSettings, store: Store, associate: str, pin: str) -> "Desk":
    """Return the desk of a command line with somebody signed in; raise `Refusal`.

    A PIN is checked, counted and locked out as at the terminal; capitals do not matter there.
    """
    from store_client.services.sign_in import Attempt, sign_in

    attempt = Attempt(associate.strip(), pin)
    return _desk(settings, store, sign_in(store, attempt, store.clock.now_ms()))


def _desk(settings: StoreSettings, store: Store, actor: "Actor") -> "Desk":
    from store_client.services.desk import Desk

    hardware = hardware_beside(settings, store)
    return Desk(store, store.clock, actor, settings.terminal, hardware.paper, hardware.devices)


def hardware_beside(settings: StoreSettings, store: Store) -> Hardware:
    """Return the devices of this machine; they are closed with the store."""
    hardware = hardware_of(settings, store.clock, key_of(store.files))
    store.beside.append(hardware.close)
    return hardware


def _keep_pauses_short() -> None:
    """Let the garbage collector walk over everything rarely, and never over what was imported.

    By default it does so every second while somebody works, and with some ten
    thousand painted lines in memory each walk holds the screen up for 0.1 to 0.4 s.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTIONS_EVERY)


def practice(
    settings: StoreSettings,
    store: Store,
    seed: int,
    every_s: float,
    forever: bool,
    parent_pid: int | None = None,
) -> Iterator[str]:
    """Yield what a practice associate does, step by step, until nothing is left to do."""
    from store_client.flows.curbside.practice import work_next as curbside_next
    from store_client.flows.pickup.practice import work_next
    from store_client.flows.ship.practice import work_next as ship_next
    from store_client.services.desk import Actor, Desk

    leader = next((one for one in store.associates() if one.role in MAY_OVERRIDE), None)
    if leader is None:
        return
    actor = Actor(leader.id, leader.name, leader.role)
    paper = hardware_beside(settings, store).paper
    desk = Desk(store, store.clock, actor, settings.terminal, paper)
    random = Random(seed)
    while parent_pid is None or os.getppid() == parent_pid:
        done = work_next(desk, random) or curbside_next(desk, random) or ship_next(desk, random)
        if done is not None:
            yield done
        elif not forever:
            return
        store.clock.sleep(every_s if done is not None else max(every_s, IDLE_S))
