"""Deterministic simulation: all of Holdshelf in one thread, with everything going wrong.

    make sim SEEDS=1000
    python -m tests.simulation --seed 1234 --verbose

A seed is a plan (`plan`): an explicit list of events in a world of two to four
stores and one central, whose code is all real; only clocks, the network and the
moments of crashes are simulated. After each event and after quiet, oracles ask
what must hold. A failing plan is shrunk to a short story.

Backups, copied disks and shut-out devices (`events/restores`) change what must
hold, and nothing else does (`memory`, `settling`):

- Of what a store did, central has each operation once in the end. Missing may only
  be what was for a time in no journal of that store and not at central: done after
  the backup that its machine was put back to, and not sent. The simulation reckons
  that at each restore; a delayed push may still bring it.
- What central had acknowledged and lost by its own restore comes back from the stores.
  Orders that it took after the backup do not: work on them is held for a person.
- Verdicts may be given anew where central does not know any more that it gave them.
- The floor is no promise while a store was put back and has not heard central, or
  while two machines have one disk: what is sold then may break promises.
- After quiet one machine has each store's name. A copy, a revoked device, or one that
  a restored central does not know, is enrolled anew and brings along what it did.
- A central put back to a backup that lacks what stores have forgotten since (they keep
  settled operations for 45 days) gets what they have left, and one exception a hole. What
  another backup brings back later comes behind what was done meanwhile.
- A word of a person's that such a restore takes back may be given differently: a sale that
  was set aside, whose units the store has sold again since, may be told to count.

`--scenario offline30` is a month without a network: 60,000 operations of one store.
"""
