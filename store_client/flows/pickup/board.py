"""What to do next for a pickup order: as for everything that customers fetch."""

from store_client.services.board import Facts, facts_of, facts_of_row
from store_client.services.fetching_board import (
    Step,
    banner_words,
    describe,
    due_words,
    how_words,
    next_step,
    step_words,
)

__all__ = [
    "Facts", "Step", "banner_words", "describe", "due_words", "facts_of", "facts_of_row",
    "how_words", "next_step", "step_words",
]  # fmt: skip
