"""Pages of one pull, joined: a store sees its rows as they were at one moment.

The rows of one transaction at central (an order, and the stock that it ties) may
stand on both sides of a page's end; and as only the newest row of a key is kept,
no place to end a page is better than another. A store that had taken in the
order, and not yet that its units are tied, released units that it had never
counted as tied. So pages of the store's own scope wait here until the last one
has come, for as long as this process runs; what a broken line interrupts goes on
with the next page.
"""

from dataclasses import dataclass, field

from sync.edge.ports import ScopeCursor
from sync.protocol.endpoint import PullPage, SyncEndpoint
from sync.protocol.rows import is_store_scope

ROWS_MAX = 20_000
"""A store that was away for so long takes its rows in by parts: they are one transaction."""


@dataclass
class WholePulls:
    """Fetches pulls, and keeps what has come of those that are not complete."""

    _begun: dict[str, PullPage] = field(default_factory=dict)
    """By scope: the pages that have come, as one."""

    def fetch(self, endpoint: SyncEndpoint, cursor: ScopeCursor, rows_max: int) -> PullPage:
        """Return what is new behind `cursor`: of the store's own scope all of it, as one page.

        Raises what the endpoint raises. A scope that is read from its beginning comes page
        by page: stock that has not come yet is not known there, so nothing counts on it.
        """
        if not is_store_scope(cursor.scope) or not cursor.rev:
            return endpoint.pull(cursor.scope, cursor.incarnation, cursor.rev, rows_max)
        whole = self._begun_at(cursor)
        while whole is None or (whole.header.more and len(whole.lines) < ROWS_MAX):
            after = cursor.rev if whole is None else whole.header.to
            page = endpoint.pull(cursor.scope, cursor.incarnation, after, rows_max)
            whole = page if whole is None else _joined(whole, page)
            self._begun[cursor.scope] = whole
            if page.header.to == after:
                break  # "more" that is never given: the checksum decides
        del self._begun[cursor.scope]
        return whole

    def _begun_at(self, cursor: ScopeCursor) -> PullPage | None:
        found = self._begun.get(cursor.scope)
        is_it = found is not None and (found.header.after, found.header.incarnation) == (
            cursor.rev, cursor.incarnation,
        )  # fmt: skip
        return found if is_it else None


def _joined(whole: PullPage, page: PullPage) -> PullPage:
    """Return two pages as one; of a row that is in both, the writer takes the later."""
    header = page.header.model_copy(
        update={"after": whole.header.after, "count": whole.header.count + page.header.count}
    )
    return PullPage(header, whole.lines + page.lines)
