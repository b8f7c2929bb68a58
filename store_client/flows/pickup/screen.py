"""The work screen of a pickup order: that of everything that customers fetch."""

from store_client.screens.fetching import FetchingScreen


class PickupScreen(FetchingScreen):
    """One pickup order, from accepting it to handing it over or putting it back."""
