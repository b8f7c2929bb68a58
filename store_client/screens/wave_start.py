"""Desks at which several orders of a flow are put into a wave."""

from collections.abc import Sequence
from functools import partial

from store_client.screens.desk import DeskScreen
from store_client.screens.dialogs import Choice, ChooseDialog
from store_client.screens.wave import WaveScreen
from store_client.services import waves
from store_client.services.words import units
from sync.domain.waves import PickMode

MODES = (
    Choice(PickMode.SORT_WHILE_PICK.value, "Sort while picking", "each scan says its tote"),
    Choice(PickMode.SORT_AFTER_PICK.value, "Sort after picking", "pick the sum, then sort"),
)


class WaveDeskScreen(DeskScreen):
    """Asks when to sort, starts a wave, and opens it."""

    def start_wave(self, flow: str, wanted: Sequence[str] = ()) -> None:
        """Start a wave with the `wanted` orders of a flow, or all that wait to be picked."""

        def chosen(mode: str | None) -> None:
            if mode is not None:
                command = partial(waves.start, flow=flow, wanted=wanted, mode=PickMode(mode))
                self.do_answer(command, self.wave_started)

        most = waves.ORDERS_MAX
        text = f"{units(len(wanted), 'order')} marked" if wanted else f"All that wait, up to {most}"
        if len(wanted) > most:
            text += f"; the {most} most urgent go"
        self.app.push_screen(ChooseDialog("When are items sorted?", MODES, text=f"{text}."), chosen)

    def wave_started(self, wave: waves.Wave) -> None:
        """Open the wave, and say there what is left out of it."""
        self.app.push_screen(WaveScreen(wave.key, waves.left_out_words(wave.left_out)))
