"""Refusals as problem documents (RFC 9457) and back.

A refusal keeps its code, its words and its data; the data are members of the
document itself, as the RFC has it. A code that this version does not know is
still a refusal, and keeps its words.
"""

from collections.abc import Mapping

from sync.protocol.errors import REFUSALS, ProtocolRefused

CONTENT_TYPE = "application/problem+json"
_RESERVED = {"type", "title", "status", "detail", "instance", "code", "message", "self"}


def document_of(refusal: ProtocolRefused) -> dict[str, object]:
    """Return the members that tell this refusal: code, detail and its data."""
    return {**refusal.data, "code": refusal.code, "detail": refusal.message}


def refusal_of(document: Mapping[str, object]) -> ProtocolRefused:
    """Return the refusal that a problem document tells."""
    code = str(document.get("code", ""))
    words = str(document.get("detail") or document.get("title") or code or "refused")
    data = {name: value for name, value in document.items() if name not in _RESERVED}
    kind = REFUSALS.get(code)
    if kind is None:
        return ProtocolRefused(words, **{**data, "problem_code": code})
    return kind(words, **data)
