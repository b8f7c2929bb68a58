"""Gift cards, store credit and tender reports as the API takes and shows them. Minor units."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from central_server.api.schemas import Body, Moment
from central_server.money_records import VALUE_MINOR_MAX
from sync.domain.tenders import TenderKind


class IssueBody(Body):
    """What a new gift card or credit is worth."""

    means: Literal[TenderKind.GIFT_CARD, TenderKind.STORE_CREDIT] = TenderKind.GIFT_CARD
    amount_minor: Annotated[int, Field(ge=1, le=VALUE_MINOR_MAX, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class CodeBody(Body):
    """The code of one: in the body, so that it is in no address and no log."""

    code: Annotated[SecretStr, Field(min_length=1, max_length=64)]


class BlockBody(CodeBody):
    """Which one, and why."""

    note: Annotated[str, Field(min_length=1, max_length=200)]


class ReportQuery(Body):
    """From when to when, by the clocks of the store's terminals."""

    since: Moment
    before: Moment


class AmountView(BaseModel):
    """An amount in minor units."""

    amount_minor: int
    currency: str


class EntryView(BaseModel):
    """One movement, and what led to it: an operation, or who did it."""

    amount_minor: int
    source: str
    at: str


class IssuedView(BaseModel):
    """A new one. Its code is shown this once: central keeps a hash of it."""

    code: str
    means: str
    balance: AmountView
    created_at: str


class ValueView(BaseModel):
    """What is on one, what of it is blocked, and all that moved, the oldest first."""

    means: str
    balance: AmountView
    created_at: str
    is_blocked: bool
    blocked: AmountView
    entries: list[EntryView]


Sums = dict[str, int]


class TenderReportView(BaseModel):
    """What a store took, by account of the ledger, associate and drawer. All add up to zero."""

    location_id: str
    since: str
    before: str
    accounts: Sums
    by_associate: dict[str, Sums]
    by_drawer: dict[str, Sums]
    is_balanced: bool
