"""Bodies of the API for rules of promising."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field

from central_server.api.schemas import Body, Identifier
from central_server.sourcing.promise_rules import Level, Method, PromiseRule, RuleKind
from sync.domain.orders import Channel

Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
                  Field(max_length=1000)]  # fmt: skip
Note = Annotated[str, Field(max_length=1000)]


class PromiseRuleBody(Body):
    """One rule: what it does, what it reaches (empty: everything), how long it holds."""

    id: Identifier
    kind: RuleKind
    level: Level = Level.NODE
    skus: Names = ()
    categories: Names = ()
    locations: Names = ()
    except_locations: Names = ()
    regions: Names = ()
    location_kinds: Names = ()
    channels: tuple[Channel, ...] = ()
    methods: tuple[Method, ...] = ()
    units: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] | None = None
    percent: Annotated[int, Field(ge=0, le=100, strict=True)] | None = None
    weeks: Annotated[float, Field(ge=0, le=104, allow_inf_nan=False)] | None = None
    offered: bool | None = None
    after_minutes: Annotated[int, Field(ge=0, le=525_600, strict=True)] | None = None
    effective_from: AwareDatetime | None = None
    effective_until: AwareDatetime | None = None
    note: Note = ""

    def rule(self) -> PromiseRule:
        """Return the rule."""
        values = self.model_dump(exclude={"effective_from", "effective_until"})
        values["channels"] = tuple(one.value for one in self.channels)
        values["methods"] = tuple(one.value for one in self.methods)
        return PromiseRule(
            **values,
            effective_from_ms=milliseconds(self.effective_from),
            effective_until_ms=milliseconds(self.effective_until),
        )


def milliseconds(moment: datetime | None) -> int | None:
    """Return an instant in milliseconds UTC; None stays None."""
    return None if moment is None else int(moment.timestamp() * 1000)


class RulesBody(Body):
    """All rules of a version, in the order in which they are asked."""

    rules: Annotated[tuple[PromiseRuleBody, ...], Field(max_length=500)]
    note: Note = ""

    def values(self) -> tuple[PromiseRule, ...]:
        """Return the rules."""
        return tuple(one.rule() for one in self.rules)


class PublishBody(Body):
    """From when on a version holds, by default from now, and why."""

    effective_from: AwareDatetime | None = None
    note: Note = ""


class NoteBody(Body):
    """Why."""

    note: Note = ""


class RuleFinding(BaseModel):
    """What is wrong with a rule, and what to do."""

    rule: str
    field: str
    text: str


class RuleVersionHead(BaseModel):
    """A version without its rules."""

    version: int
    state: str
    in_force: bool
    effective_from: str | None
    effective_until: str | None
    note: str
    created_by: str
    created_at: str
    published_by: str
    published_at: str | None
    rule_count: int


class RuleVersionPage(BaseModel):
    """Versions, the newest first; `next` is the `before` of the next page."""

    versions: list[RuleVersionHead]
    next: int | None


class RuleAuditEntry(BaseModel):
    """Who did what with which version, and what they said about it."""

    at: str
    by: str
    action: str
    version: int
    note: str


class RuleAudit(BaseModel):
    """The audit, the newest first."""

    audit: list[RuleAuditEntry]


class RuleVersionView(RuleVersionHead):
    """A version with its rules and what is wrong with them."""

    rules: list[dict[str, Any]]
    findings: list[RuleFinding]
    audit: list[RuleAuditEntry] | None = None


class RuleChanges(BaseModel):
    """Rules by name."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class SkuChange(BaseModel):
    """What may be promised of a SKU over all places, in units."""

    sku: str
    before: int
    after: int


class StoreChange(BaseModel):
    """What may be promised at a place, in units of all SKUs that were looked at."""

    location_id: str
    before: int
    after: int


class RulePreview(BaseModel):
    """What would change: by rules, SKUs and stores; those that change most are listed."""

    version: int
    in_force: int
    at: str
    channel: str
    method: str
    rules: RuleChanges
    findings: list[RuleFinding]
    skus_looked_at: int
    skus_left_out: int
    units_before: int
    units_after: int
    skus_changed: int
    stores_changed: int
    skus: list[SkuChange]
    stores: list[StoreChange]
