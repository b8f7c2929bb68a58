"""Rules of promising: draft them, see what they would change, publish, roll back, archive."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime

from central_server.api.documented import KEYED, problems
from central_server.api.promise_schemas import RulePreview, RulesBody
from central_server.api.rule_schemas import (
    AsRead,
    NoteBody,
    PublishBody,
    RuleAudit,
    RuleVersionPage,
    RuleVersionView,
    milliseconds,
    reading_of,
)
from central_server.services.api_keys import KeyHolder
from central_server.services.promises import Ask
from central_server.sourcing.promise_rules import Method
from central_server.web.auth import require
from central_server.web.deps import central_of
from central_server.web.pagination import LIMIT_DEFAULT, LIMIT_MAX
from sync.domain.orders import Channel

router = APIRouter(prefix="/v1", tags=["promise rules"])

Number = Annotated[int, Path(ge=1, le=2**53)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Admin = Annotated[KeyHolder, Depends(require("admin"))]
Reader = Annotated[KeyHolder, Depends(require("availability:read"))]


@router.get("/promise-rules", response_model=RuleVersionPage, responses=problems(*KEYED))
def list_versions(
    request: Request,
    holder: Reader,
    limit: Limit = LIMIT_DEFAULT,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> object:
    """Return versions of the rules, the newest first."""
    found, more = central_of(request).promise_rules.page(before, limit)
    return {"versions": found, "next": more}


@router.get("/promise-audit", response_model=RuleAudit, responses=problems(*KEYED))
def get_audit(request: Request, holder: Reader, limit: Limit = LIMIT_DEFAULT) -> object:
    """Return who drafted, published, rolled back and archived what, the newest first."""
    return {"audit": central_of(request).promise_rules.audit(limit)}


@router.post(
    "/promise-rules", status_code=201, response_model=RuleVersionView, responses=problems(*KEYED)
)
def create_draft(request: Request, body: RulesBody, holder: Admin) -> object:
    """Make a draft of all rules. What is wrong with it is in `findings`."""
    rules = central_of(request).promise_rules
    return rules.draft(body.values(), note=body.note, by=holder.name)


@router.get(
    "/promise-rules/{version}",
    response_model=RuleVersionView,
    responses=problems(*KEYED, "not_found"),
)
def get_version(request: Request, version: Number, holder: Reader) -> object:
    """Return one version with its rules, what is wrong with them, and its audit."""
    return central_of(request).promise_rules.show(version)


@router.put(
    "/promise-rules/{version}",
    response_model=RuleVersionView,
    responses=problems(*KEYED, "not_found", "version_fixed", "changed_since_read"),
)
def replace_draft(
    request: Request, version: Number, body: RulesBody, holder: Admin, if_match: AsRead = ""
) -> object:
    """Replace the rules of a draft; other versions never change.

    `If-Match` carries the `reading` of the draft that is replaced: what somebody else has made of
    it since is not lost, but refuses this.
    """
    rules = central_of(request).promise_rules
    return rules.edit(
        version, body.values(), note=body.note, by=holder.name, reading=reading_of(if_match)
    )


@router.get(
    "/promise-rules/{version}/preview",
    response_model=RulePreview,
    responses=problems(*KEYED, "not_found"),
)
def preview_version(
    request: Request,
    version: Number,
    holder: Reader,
    channel: Channel = Channel.WEB,
    method: Method = Method.PICKUP,
    at: Annotated[AwareDatetime | None, Query()] = None,
) -> object:
    """Return what would change if this version held, by default from now: SKUs, units, stores."""
    ask = Ask(channel.value, method.value)
    preview = central_of(request).promise_preview
    return preview.preview(version, at_ms=milliseconds(at), ask=ask)


@router.post(
    "/promise-rules/{version}/publish",
    response_model=RuleVersionView,
    responses=problems(
        *KEYED,
        "not_found",
        "version_fixed",
        "rules_invalid",
        "needs_approval",
        "read_it_first",
        "changed_since_read",
    ),
)
def publish_version(
    request: Request, version: Number, body: PublishBody, holder: Admin, if_match: AsRead = ""
) -> object:
    """Approve a draft and let it hold from a moment on; not by a key that wrote it.

    `If-Match` carries the `reading` of the version as it was read: rules that somebody changed
    since are refused. The version before it ends when this one begins.
    """
    return central_of(request).promise_rules.publish(
        version, effective_from_ms=milliseconds(body.effective_from), note=body.note,
        by=holder.name, reading=reading_of(if_match),
    )  # fmt: skip


@router.post(
    "/promise-rules/{version}/roll-back",
    response_model=RuleVersionView,
    responses=problems(*KEYED, "not_found", "version_fixed", "rules_invalid"),
)
def roll_back_version(request: Request, version: Number, body: NoteBody, holder: Admin) -> object:
    """Let what an earlier version said hold again from now on, as a new version."""
    return central_of(request).promise_rules.roll_back(version, note=body.note, by=holder.name)


@router.post(
    "/promise-rules/{version}/archive",
    response_model=RuleVersionView,
    responses=problems(*KEYED, "not_found", "version_fixed"),
)
def archive_version(request: Request, version: Number, body: NoteBody, holder: Admin) -> object:
    """End a version now, or throw a draft away. Without another version no rules hold."""
    return central_of(request).promise_rules.archive(version, note=body.note, by=holder.name)
