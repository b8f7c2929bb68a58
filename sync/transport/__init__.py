"""The ways between the store's half and central's: HTTP, in process, and both made worse.

`http` is the real one. `local` calls central in the same process, through the
same bytes. `faulty` wraps either with seeded faults. `chaos_proxy` spoils real
sockets, and `switch` tells it how, from any process. Nothing here decides
anything: a transport delivers, or says in words why it did not.
"""
