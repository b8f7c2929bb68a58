"""Central over ASGI, with a key that may do everything and one that may do nothing much."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from central_server.storage.database import Database
from tests.support.central_world import World, build_world


@pytest.fixture
def anyio_backend() -> str:
    """Asyncio is what central runs on."""
    return "asyncio"


@pytest.fixture
def world(sqlite_database: Database, tmp_path) -> World:
    """Three stores with ten of everything."""
    return build_world(sqlite_database, tmp_path)


@pytest.fixture
def key(world) -> str:
    """An administrator's key."""
    return world.parts.central.keys.create("tests", ("admin",))


@pytest.fixture
async def client(world, key) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the administrator's key."""
    transport = httpx.ASGITransport(app=world.parts.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://central", headers={"Authorization": f"Bearer {key}"}
    ) as opened:
        yield opened


@pytest.fixture
def order_body() -> Callable[..., dict]:
    """Makes the body of an order."""

    def make(quantity: int = 2, **changes: object) -> dict:
        return {
            "location_id": "S001",
            "lines": [{"sku": "SKU-1", "quantity": quantity}],
            "customer": {"name": "Jo", "email": "jo@example.com"},
            **changes,
        }

    return make
