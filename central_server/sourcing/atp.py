"""How old what central knows is."""


def data_age_ms(last_contact_ms: int | None, now_ms: int) -> int | None:
    """Return how old central's knowledge of a store is; None if it never made contact."""
    return None if last_contact_ms is None else max(0, now_ms - last_contact_ms)
