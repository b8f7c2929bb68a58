"""Counts what HTTP costs: requests, and the bytes of heads and bodies both ways.

Counted where httpx meets the connection, so pooling and compression are seen as
they are. TLS records and the framing of chunked bodies are not included.
"""

from collections.abc import Iterator
from threading import Lock

import httpx

_LINE_ENDS = 2


class Traffic:
    """A counter that several threads may feed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.requests = 0
        self.bytes_sent = 0
        self.bytes_received = 0

    def count(self, *, requests: int = 0, sent: int = 0, received: int = 0) -> None:
        """Add to the totals."""
        with self._lock:
            self.requests += requests
            self.bytes_sent += sent
            self.bytes_received += received

    def reset(self) -> None:
        """Start again from zero."""
        with self._lock:
            self.requests = self.bytes_sent = self.bytes_received = 0


class _CountedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, traffic: Traffic) -> None:
        self._stream = stream
        self._traffic = traffic

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._traffic.count(received=len(chunk))
            yield chunk

    def close(self) -> None:
        self._stream.close()


class CountingTransport(httpx.BaseTransport):
    """Passes everything on to `inner` and counts it."""

    def __init__(self, inner: httpx.BaseTransport, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        line = len(f"{request.method} ") + len(request.url.raw_path) + len(" HTTP/1.1\r\n")
        sent = line + _head_bytes(request.headers) + len(request.content)
        self._traffic.count(requests=1, sent=sent)
        response = self._inner.handle_request(request)
        reason = response.extensions.get("reason_phrase", b"")
        line = len("HTTP/1.1 200 \r\n") + len(reason)
        self._traffic.count(received=line + _head_bytes(response.headers))
        if not isinstance(response.stream, httpx.SyncByteStream):
            raise TypeError("a synchronous transport answered with an asynchronous stream")
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_CountedStream(response.stream, self._traffic),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _head_bytes(headers: httpx.Headers) -> int:
    fields = sum(len(name) + len(": ") + len(value) + _LINE_ENDS for name, value in headers.raw)
    return fields + _LINE_ENDS
