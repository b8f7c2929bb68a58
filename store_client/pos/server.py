"""The address that a point of sale on this machine may ask: HTTP on the loopback alone.

Off unless a port is set. Whoever asks shows the token in `pos.token`, a file
that only this user can read. The number of connections, the size of a body and
the time to send it are bounded; every refusal is a problem document in words.
"""

import hmac
import json
import os
import secrets
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import ClassVar

from store_client.ports import Store
from store_client.pos.answers import UNREADABLE_CODE, Answer, PosDesk, problem
from store_client.pos.records import Unreadable, load_json
from sync.clock import Clock
from sync.edge.sqlite import Error

LOOPBACK = "127.0.0.1"
BODY_BYTES_MAX = 256 * 1024
CONNECTIONS_MAX = 16
TIMEOUT_S = 10.0
TOKEN_BYTES = 32
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"


def token_in(path: Path) -> str:
    """Return the token in a file of mode 0600, made at the first call."""
    if not path.exists() or not path.read_bytes().strip():  # an empty one would let all in
        beside = path.with_name(path.name + ".tmp")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(TOKEN_BYTES))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    path.chmod(0o600)
    return path.read_text(encoding="ascii").strip()


class PosServer:
    """Serves from a thread of its own. `look` keeps it running, whatever holds the port."""

    def __init__(self, store: Store, clock: Clock, *, port: int, token: str) -> None:
        self._desk = PosDesk(store, clock)
        self._store = store
        self._port = port
        self._token = token
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that is served; 0 where none is."""
        return 0 if self._server is None else int(self._server.server_address[1])

    def look(self) -> None:
        """Serve, unless that is done already; where the port is taken, say so and try later."""
        if self._thread is not None and self._thread.is_alive():
            return
        try:
            self._server = _Server(self._port, self._desk, self._token)
        except OSError as taken:
            why = f"The point of sale cannot ask: port {self._port}: {taken.strerror}."
            self._store.alert(why)
            return
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="point of sale", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End serving after the answers that are under way."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None


class _Server(ThreadingMixIn, TCPServer):
    """A thread a connection, and not more than `CONNECTIONS_MAX` of them.

    Not `http.server.HTTPServer`: that one asks a name server for its own name.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, desk: PosDesk, token: str) -> None:
        self.desk = desk
        self.token = token.encode()
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        """Take a connection, or close it where too many are open."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]
            return
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a connection that broke be forgotten: the caller asks again."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "holdshelf"
    sys_version = ""
    timeout = TIMEOUT_S
    wbufsize = -1
    disable_nagle_algorithm = True
    """An answer leaves at once and whole: else its body waits 40 ms for a word of the caller."""
    server: _Server
    routes: ClassVar = {
        ("GET", "/v1/healthz"): "_health",
        ("POST", "/v1/sales"): "_sales",
        ("POST", "/v1/sales/check"): "_check",
    }

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer_for("GET")

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer_for("POST")

    def _answer_for(self, method: str) -> None:
        path = self.path.partition("?")[0]
        name = self.routes.get((method, path))
        if name is None:
            other = any(path == known for _, known in self.routes)
            status = HTTPStatus.METHOD_NOT_ALLOWED if other else HTTPStatus.NOT_FOUND
            self._refuse(status, "not_here", f"There is no {method} {path[:80]} here.")
        elif not self._is_known():
            self._refuse(
                HTTPStatus.UNAUTHORIZED, "not_authentic",
                "Send Authorization: Bearer with the token in pos.token of this store's files.",
            )  # fmt: skip
        else:
            self._carry_out(name)

    def _is_known(self) -> bool:
        scheme, _, shown = self.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(shown.strip().encode(errors="replace"), self.server.token)
        return scheme.lower() == "bearer" and same

    def _carry_out(self, name: str) -> None:
        if name == "_health":
            self._send(self.server.desk.health())
            return
        body = self._body()
        if body is None:
            return
        call = self.server.desk.sales if name == "_sales" else self.server.desk.check
        try:
            answer = call(load_json(body))
        except Unreadable as wrong:
            answer = problem(HTTPStatus.BAD_REQUEST, UNREADABLE_CODE, f"The body is {wrong}.")
        except Error as failed:
            why = f"This machine cannot record anything now: {failed}."
            answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "store_files", why)
        self._send(answer)

    def _body(self) -> bytes | None:
        """Return the body; None where it was refused."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            why = "Send the length of the body in Content-Length."
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "length_required", why)
            return None
        if int(length[:12]) > BODY_BYTES_MAX:
            why = f"A body has at most {BODY_BYTES_MAX} bytes."
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", why)
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _refuse(self, status: HTTPStatus, code: str, why: str) -> None:
        """Refuse what may have a body that was not read: the connection ends with the answer."""
        self.close_connection = True
        self._send(problem(status, code, why))

    def _send(self, answer: Answer) -> None:
        content = json.dumps(answer.document, ensure_ascii=False).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", PROBLEM_JSON if answer.is_problem else JSON)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP, or not one that is spoken here."""
        del explain
        status = HTTPStatus(code)
        self._refuse(status, "bad_request", f"{message or status.phrase}.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: what counts is in the journal."""
