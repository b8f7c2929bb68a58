"""Bodies of the API for rules of promising."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from central_server.api.rule_schemas import Names, Note, RuleFinding, milliseconds
from central_server.api.schemas import Body, Identifier
from central_server.sourcing.promise_rules import Level, Method, PromiseRule, RuleKind
from sync.domain.orders import Channel


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


class RulesBody(Body):
    """All rules of a version, in the order in which they are asked."""

    rules: Annotated[tuple[PromiseRuleBody, ...], Field(max_length=500)]
    note: Note = ""

    def values(self) -> tuple[PromiseRule, ...]:
        """Return the rules."""
        return tuple(one.rule() for one in self.rules)


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
    """What would change: by rules, SKUs and stores; those that change most are listed.

    Kits stand among SKUs; sums of units have only what they are made of.
    """

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
