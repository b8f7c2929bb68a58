"""The protocol's version and its history. A newer central serves older stores."""

PROTOCOL_VERSION = 2
"""What this code speaks."""

LOWEST_SERVED = 1
"""The oldest version that this central still serves."""

HISTORY = {
    1: "First version: operations by replica, epoch and seq; compacted feed; snapshots.",
    2: "Escrow with leases, stock operations, recovery by a new epoch, exceptions at the store;"
    " a push and its answer leave out what the other half knows.",
}

SCHEMA_HASHES: dict[int, str] = {
    1: "db8d32bb4a6d6a6c78dc8fdd8caa1098366d5a72c1b5b892235fdaf557fa8bca",
    2: "6cd17411294558a4a9a29daabc39ee722688a3c444c81f084b1983bce53e8763",
}
"""Version -> hash of all message schemas; `tests/sync/protocol/test_pin.py` says how to move it."""
