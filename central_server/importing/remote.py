"""Places orders through the public API of a central that runs somewhere else."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import httpx

from central_server.importing.order_history import PastOrder
from central_server.importing.problems import (
    EXIT_REFUSED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    ImportFailed,
)
from sync.clock import Clock

ATTEMPTS = 6
WAIT_S = 1.0
_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class RemotePlacer:
    """An `OrderPlacer` over HTTP. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        api_key: str,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
        timed: Callable[[int], None] | None = None,
    ) -> None:
        self._clock = clock
        self._timed = timed
        try:
            self._client = httpx.Client(
                base_url=url,
                headers={"authorization": f"Bearer {api_key}"},
                timeout=_TIMEOUT,
                transport=transport,
                trust_env=False,
            )
        except httpx.InvalidURL as problem:
            raise ImportFailed(f"--via {url}: {problem}", EXIT_USAGE) from problem

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def place(self, order: PastOrder) -> str:
        """Place `order`; a repetition after a lost answer places it once all the same."""
        answer = self.post(order)
        if answer.is_success:
            return ""
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ImportFailed(f"central refuses the API key: {_words(answer)}", EXIT_REFUSED)
        return _words(answer)

    def post(self, order: PastOrder) -> httpx.Response:
        """Return central's answer; waits and tries again while central asks for it."""
        last = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._clock.sleep(WAIT_S * attempt)
            try:
                began = self._clock.monotonic_ms()
                answer = self._client.post(
                    "/v1/orders",
                    json=order.body(),
                    headers={"idempotency-key": order.idempotency_key},
                )
            except httpx.TransportError as problem:
                last = str(problem)
                continue
            if self._timed is not None:
                self._timed(self._clock.monotonic_ms() - began)
            if answer.status_code not in _AGAIN:
                return answer
            last = _words(answer)
        raise ImportFailed(f"central cannot be reached: {last}", EXIT_UNREACHABLE)


def _words(answer: httpx.Response) -> str:
    try:
        document: dict[str, Any] = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    return str(document.get("detail") or document.get("title") or f"HTTP {answer.status_code}")
