"""An associate who works pickups off by the book, for demos and soak tests."""

from store_client.services.fetching_practice import Habits, work_next

__all__ = ["Habits", "work_next"]
