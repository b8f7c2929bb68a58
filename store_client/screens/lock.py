"""The locked terminal: a PIN lets its associate go on, or another one take it over.

What was on the screen is still there underneath, with everything that was typed.
"""

from collections.abc import Sequence

from store_client.screens.sign_in import SignInScreen
from store_client.services.desk import Actor
from store_client.widgets.bars import Hint
from sync.protocol.rows import AssociateRow


class LockScreen(SignInScreen):
    """Asks the associate who was here for their PIN; Esc lets somebody else choose themselves."""

    HELP_TEXT = (
        "Nobody touched the keys for a while, so the terminal locked. Type your PIN to go on"
        " where you were. If you are somebody else: Esc, your number, your PIN; the work on the"
        " screen stays, and what is done from then on is in your name."
    )
    TITLE_WORDS = "Locked. Who takes the terminal over?"

    def __init__(self, actor: Actor) -> None:
        super().__init__()
        self._locked_for = actor

    def _greet(self) -> None:
        actor = self._locked_for
        self._choose(AssociateRow(actor.id, actor.name, actor.role, ""))
        self._title(f"Locked: {actor.name} ({actor.role.value})")

    def hints(self) -> Sequence[Hint]:
        """Return the keys to show."""
        return (
            Hint("Enter", "Unlock"),
            Hint("Esc", "Somebody else", "screen.back"),
            Hint("F1", "Help", "app.help"),
        )

    def _signed_in(self, actor: Actor) -> None:
        self.host.unlocked(actor)
