"""Central behind a real socket on a free port, in a thread of the test's process."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

STARTING_S_MAX = 10.0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve `app` for the time of the block and give its URL."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.is_up.wait(STARTING_S_MAX), "central did not start"
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
