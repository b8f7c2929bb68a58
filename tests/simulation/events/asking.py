"""A shopper whose answer was lost asks again under the same key."""

from central_server.services.idempotency import RequestIdentity
from central_server.services.order_capture import NewOrder
from tests.simulation.world import Placing, World

TRIES = 3


def order(
    world: World, key: str, new: NewOrder, refusals: tuple[type[Exception], ...]
) -> tuple[Placing | None, str]:
    """Return the order that central confirmed, and else what the shopper was told."""
    problem = ""
    for _ in range(TRIES):
        try:
            placed, problem = world.at_central(
                lambda central: central.orders.place(new, RequestIdentity("shop", key, "body"))
            )
        except refusals as refusal:
            return None, str(refusal)
        if placed is not None:
            return world.note_placed(key, placed), ""
    return None, f"{problem}, the shopper gives up"
