"""What customers of curbside orders are told: plain text."""

from central_server.services.fetching_notices import READY, Notice, code_words


def ready(number: str, name: str, store: str, until: str, qr: str = "") -> Notice:
    """The goods wait; say when you are outside, and they are brought out."""
    text = (
        f"Hello {name or 'customer'},\n\n"
        f"order {number} is ready for you at {store}. It waits there until {until}.\n\n"
        "Park at one of the marked spots, and say in the shop where you stand: we bring it out. "
        f"{code_words(qr)}\n"
    )
    return Notice(READY, f"Order {number} is ready", text, qr)
