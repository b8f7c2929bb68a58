"""The HTTP client that a store uses: bare, bounded in time, trusting nobody else.

No cookies, redirects, proxies or settings of the environment: what stands
between a store and central may not lead its traffic elsewhere.
"""

import socket
import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from sync.transport.traffic import CountingTransport, Traffic

TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=10.0)
KEEP_ALIVE_S = 90.0
"""Longer than a poll's interval, so that a poll needs no new connection if central agrees."""
SILENCE_MS_MAX = 20_000
"""Unacknowledged data for so long means that the connection is dead."""

ClientFactory = Callable[[str], httpx.Client]
"""Makes the client for a base URL."""


def open_client(
    base_url: str, *, ca_file: Path | None = None, traffic: Traffic | None = None
) -> httpx.Client:
    """Return a client for central: HTTP/1.1, kept alive, no cookies, no redirects, no proxy.

    `ca_file` names the only authority to trust, for a central with a
    certificate of the retailer's own.
    """
    limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_S)
    transport: httpx.BaseTransport = httpx.HTTPTransport(
        verify=_trusted(base_url, ca_file),
        limits=limits,
        trust_env=False,
        socket_options=_socket_options(),
    )
    if traffic is not None:
        transport = CountingTransport(transport, traffic)
    client = httpx.Client(
        base_url=base_url,
        transport=transport,
        timeout=TIMEOUT,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
    # What httpx would send with every request; a call that means something by one says it.
    for name in ("accept", "accept-encoding", "connection", "user-agent"):
        del client.headers[name]
    return client


def _trusted(base_url: str, ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return whom to trust: the named authority alone, else the usual ones."""
    if ca_file is not None:
        ca_file.open("rb").close()  # its error names the file
        return ssl.create_default_context(cafile=ca_file)
    if httpx.URL(base_url).scheme == "https":
        return True
    # No TLS will be spoken. This context trusts nobody, and costs no reading of certificates.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _socket_options() -> list[tuple[int, int, int]]:
    """Notice a dead connection before the timeouts do, where the system can."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS_MAX))
    return options
