"""What is played of which flow: stories enter themselves."""

from collections.abc import Callable

from tests.scenarios.world import Retail

VARIANTS = ("plain", "split", "reject", "capacity", "scarce")
Story = Callable[[Retail], None]
SCENARIOS: dict[tuple[str, str], Story] = {}

FLOWS = {
    "ship from any location": "buy online, ship from any location",
    "pickup": "buy online, pick up in store (BOPIS)",
    "reserve": "reserve online, pick up and pay in store (ROPIS)",
    "sold here, shipped from elsewhere": "buy at a store, ship from an alternate",
    "ordered here, paid elsewhere": "order at a store, ship and pay from an alternate",
    "transfer": "reserve or buy online, transfer from another location",
    "vendor": "a vendor fulfils",
}
MISSING: dict[tuple[str, str], str] = {}
"""Why cells are not played."""


def scenario(flow: str, variant: str) -> Callable[[Story], Story]:
    """Enter a story into the table."""

    def enter(story: Story) -> Story:
        SCENARIOS[flow, variant] = story
        return story

    return enter
