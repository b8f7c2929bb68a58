"""The shared kernel: what a store and central must agree on.

`domain` holds the pure rules, `protocol` the wire, `edge` the store's half of
the protocol, `hub` central's half, `transport` the ways between them. Nothing
in here imports `store_client` or `central_server`.
"""
