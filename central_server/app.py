"""The ASGI application: routes, problems, and the shell around them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI
from starlette.types import ASGIApp

from central_server.api import (
    admin,
    availability,
    bulk,
    devices,
    exceptions,
    health,
    money,
    orders,
    promise_rules,
    routing,
    routing_rules,
    stores,
    supply,
    sync,
    vendors,
    waiting,
)
from central_server.web import problems
from central_server.web.deps import Central
from central_server.web.shell import Shell

WORKER_THREADS = 32
"""Requests that are worked on at once; the others wait in line, up to the shell's bound."""
_ROUTERS = (
    orders, bulk, routing, routing_rules, availability, promise_rules, supply, stores, admin,
    exceptions, money, devices, sync, waiting, vendors, health,
)  # fmt: skip
_DESCRIPTION = (
    "Orders, availability and stores of one retailer. Errors are problem+json (RFC 9457) with a"
    " stable `code`. Times are RFC 3339 in UTC; amounts are integers in minor units."
)


def create_app(
    central: Central, *, version: str, storage_problems: Mapping[type[Exception], str]
) -> ASGIApp:
    """Return the application that serves `central`; storage's own errors become these problems."""
    app = build_api(version=version)
    problems.translate(app, storage_problems)
    app.state.central = central
    return Shell(
        app,
        figures=central.figures,
        new_trace_id=central.new_trace_id,
        monotonic_ms=central.clock.monotonic_ms,
    )


def build_api(*, version: str) -> FastAPI:
    """Return the routes alone, which is all that the OpenAPI document needs."""
    app = FastAPI(
        title="Holdshelf central",
        version=version,
        description=_DESCRIPTION,
        # The documentation pages would fetch scripts from elsewhere; openapi.json is all there is.
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        strict_content_type=False,
    )
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = WORKER_THREADS
    yield
    central: Central = app.state.central
    central.pokes.close()
