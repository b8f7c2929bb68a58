"""Deterministic simulation: all of Holdshelf in one thread, with everything going wrong.

    make sim SEEDS=1000
    python -m tests.simulation --seed 1234 --verbose

A seed is a plan (`plan`): an explicit list of events in a world of two to four
stores and one central, whose code is all real; only clocks, the network and the
moments of crashes are simulated. After each event and after quiet, oracles ask
what must hold. A failing plan is shrunk to a short story.
"""
