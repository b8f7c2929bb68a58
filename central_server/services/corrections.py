"""Messages that take back an earlier one: only where that one may have reached the customer."""

from typing import TYPE_CHECKING

from central_server.records import OutboxItem
from central_server.services.follow_ups import PendingMail

if TYPE_CHECKING:
    from central_server.storage.unit import Unit


def has_left(unit: "Unit", mail: PendingMail, item: OutboxItem) -> bool:
    """Call off the message that `mail` (as `item`) corrects; return whether it was too late for it.

    The key of a message names the operation that it follows, so those of one order
    are found by its operations. Newest first: what was corrected before is not again.
    """
    own = item.key.partition(":")[0]
    sources = unit.journal.identities_of(mail.fulfillment_id)
    keys = [
        f"{kind}:{mail.fulfillment_id}:{source}"
        for kind in (own, *sorted(mail.corrects))
        for source in sources
    ]
    newest = unit.outbox.newest(keys)
    if newest is None or newest.key.partition(":")[0] == own:
        return False
    return not unit.outbox.call_off(newest.id)
