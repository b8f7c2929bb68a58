"""Every answer that is not the thing asked for is problem+json (RFC 9457), from one table.

`type` is a stable URN that ends in the code, `detail` is for people, what a
program may want are further members of the document (`expected_seq`, `shortfall`),
and `errors` point into a body that is not valid.
"""

import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from central_server.web.bounds import unstorable
from sync.domain.errors import DomainError
from sync.protocol.errors import ProtocolError, ProtocolRefused, TryLater

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:holdshelf:problem:"

STATUS: dict[str, int] = {
    # The request itself.
    "validation_failed": 422,
    "bad_request": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_late": 408,
    "body_too_large": 413,
    "cursor_invalid": 400,
    "range_not_satisfiable": 416,
    "unsupported_encoding": 415,
    "precondition_failed": 412,
    "idempotency_key_missing": 400,
    "idempotency_key_invalid": 400,
    "idempotency_key_reused": 422,
    # Who asks.
    "not_authenticated": 401,
    "scope_missing": 403,
    "enrolment_refused": 403,
    # Orders.
    "unknown_sku": 422,
    "unknown_location": 422,
    "not_a_store": 422,
    "currency_mismatch": 422,
    "unknown_flow": 422,
    "not_priced": 409,
    "not_released": 409,
    "price_changed": 409,
    "pickup_not_offered": 409,
    "curbside_not_offered": 409,
    "shipping_not_offered": 409,
    "insufficient_stock": 409,
    "not_in_time": 409,
    "already_handed_over": 409,
    "not_held": 409,
    "offer_gone": 409,
    "nothing_unsourced": 409,
    "nothing_to_await": 409,
    "reserved_in_store": 409,
    "order_change_invalid": 422,
    "operation_refused": 409,
    "illegal_transition": 409,
    "quantity_refused": 409,
    "refused": 409,
    # Rules.
    "rules_invalid": 422,
    "needs_approval": 403,
    "bundle_invalid": 422,
    "version_fixed": 409,
    "changed_since_read": 412,
    "read_it_first": 428,
    "receipt_awaited": 409,
    "receipt_closed": 409,
    "nothing_to_block": 409,
    # Exceptions and quarantine.
    "already_closed": 409,
    "already_assigned": 409,
    "already_settled": 409,
    "not_assignable": 409,
    "not_ended_by_people": 409,
    "waits_behind": 409,
    "note_missing": 422,
    # The sync protocol.
    "gap": 409,
    "fork": 409,
    "epoch_stale": 409,
    "duplicate_replica": 409,
    "not_authentic": 401,
    "replica_disabled": 403,
    "cursor_expired": 410,
    "version_unsupported": 426,
    "frame_unreadable": 400,
    # Central itself.
    "try_later": 503,
    "overloaded": 429,
    "internal": 500,
}
"""The one table from code to status. A code that is missing here is a fault of central: 500."""

_RESERVED = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "trace_id", "errors"}
)
_BY_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_late",
    413: "body_too_large",
}


class ProblemError(Exception):
    """A problem of the HTTP layer itself: a code of the table, words and data."""

    def __init__(
        self, code: str, detail: str, *, headers: dict[str, str] | None = None, **data: object
    ) -> None:
        self.code = code
        self.detail = detail
        self.headers = headers
        self.data = data
        super().__init__(detail)


def require_storable(body: BaseModel) -> None:
    """Raise a 422 problem for a message of a device that no database could keep."""
    for name, value in body.model_dump().items():
        if reason := unstorable(value):
            raise ProblemError("validation_failed", f"/body/{name}: {reason}")


def require_storable_text(value: str) -> None:
    """Raise a 422 problem for a parameter that no database could compare with anything."""
    if reason := unstorable(value):
        raise ProblemError("validation_failed", f"/query: {reason}")


def problem_response(
    code: str,
    detail: str,
    trace_id: str,
    *,
    status: int | None = None,
    data: dict[str, Any] | None = None,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return the answer for one problem."""
    status = status or STATUS.get(code, 500)
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": trace_id,
    }
    body.update((name, value) for name, value in (data or {}).items() if name not in _RESERVED)
    if errors:
        body["errors"] = errors
    if status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer", **(headers or {})}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def trace_id_of(request: Request) -> str:
    """Return the id under which this request is logged."""
    return str(request.scope.get("state", {}).get("trace_id", ""))


async def _domain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    return problem_of(request, error)


def problem_of(request: Request, error: Exception) -> JSONResponse:
    """Return the problem that an order of many got; what is no refusal is central's fault."""
    trace_id = trace_id_of(request)
    if isinstance(error, DomainError):
        return problem_response(error.code, str(error), trace_id, data=error.data())
    codes: Mapping[type[Exception], str] = request.app.state.codes
    for kind, code in codes.items():
        if isinstance(error, kind):
            return problem_response(code, str(error), trace_id)
    _log.error("an order of request %s failed\n%s", trace_id, describe(error))
    return internal_problem(trace_id)


async def _protocol(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProtocolError)
    trace_id = trace_id_of(request)
    if isinstance(error, TryLater):
        wait = str(max(1, round(error.retry_after_s)))
        return problem_response(error.code, str(error), trace_id, headers={"Retry-After": wait})
    data = error.data if isinstance(error, ProtocolRefused) else None
    return problem_response(error.code, str(error), trace_id, data=data)


async def _http_layer(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(
        error.code, error.detail, trace_id_of(request), data=error.data, headers=error.headers
    )


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    pointers = [
        {"pointer": _pointer(entry["loc"]), "detail": str(entry["msg"])} for entry in error.errors()
    ]
    detail = "; ".join(f"{entry['pointer']}: {entry['detail']}" for entry in pointers[:5])
    return problem_response(
        "validation_failed", detail, trace_id_of(request), errors=pointers[:100]
    )


async def _starlette(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "bad_request")
    headers = dict(error.headers) if error.headers else None
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed(request))}
    return problem_response(
        code, str(error.detail), trace_id_of(request), status=error.status_code, headers=headers
    )


def _allowed(request: Request) -> list[str]:
    """Return the methods that this path does support, whichever route has them."""
    paths = request.app.openapi()["paths"]
    # A name in a path may have a slash in it, where no path of as many parts is meant.
    for name in ("[^/]+", ".+"):
        allowed = {
            method.upper()
            for template, operations in paths.items()
            if re.fullmatch(re.sub(r"\{[^}]*\}", name, template), request.url.path)
            for method in operations
        }
        if allowed:
            return sorted(allowed)
    return []


def _pointer(location: tuple[int | str, ...]) -> str:
    """Return a JSON pointer; its first part says where: body, query, path or header."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "/" + "/".join(parts)


def internal_problem(trace_id: str) -> JSONResponse:
    """Return the answer where central itself failed: nothing about the inside leaves it."""
    return problem_response("internal", "central failed; quote the trace id", trace_id)


def describe(error: BaseException) -> str:
    """Return an exception as text for the log, never for the answer."""
    return "".join(traceback.format_exception(error))


def translate(app: FastAPI, codes: Mapping[type[Exception], str]) -> None:
    """Answer exceptions that this layer does not know by the code that is given for them."""
    app.state.codes = codes

    async def handler(request: Request, error: Exception) -> JSONResponse:
        code = next(code for kind, code in codes.items() if isinstance(error, kind))
        headers = {"Retry-After": "2"} if code == "try_later" else None
        return problem_response(code, str(error), trace_id_of(request), headers=headers)

    for kind in codes:
        app.add_exception_handler(kind, handler)


async def _internal(request: Request, _: Exception) -> JSONResponse:
    return internal_problem(trace_id_of(request))


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
        DomainError: _domain,
        ProtocolError: _protocol,
        ProblemError: _http_layer,
        RequestValidationError: _validation,
        HTTPException: _starlette,
        Exception: _internal,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
