"""Problem answers as every operation documents them."""

from typing import Any

from central_server.api.schemas import ProblemView
from central_server.web.problems import MEDIA_TYPE, STATUS, TYPE_PREFIX

_TRACE = "01JD0000000000000000000000"


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the given problem codes, grouped by status."""
    documented: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, "internal", "try_later"):
        entry = documented.setdefault(
            STATUS[code],
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {
                        "schema": ProblemView.model_json_schema(),
                        "examples": {},
                    }
                },
            },
        )
        entry["description"] = ", ".join(filter(None, (entry["description"], code)))
        entry["content"][MEDIA_TYPE]["examples"][code] = {
            "value": {
                "type": TYPE_PREFIX + code,
                "title": code.replace("_", " ").capitalize(),
                "status": STATUS[code],
                "detail": "what went wrong, for people",
                "code": code,
                "trace_id": _TRACE,
            }
        }
    return documented


KEYED = ("not_authenticated", "scope_missing", "validation_failed", "bad_request")
"""Problems of every operation that wants an API key."""
DEVICE = (
    "not_authentic", "replica_disabled", "validation_failed", "bad_request", "frame_unreadable",
    "overloaded",
)  # fmt: skip
"""Problems of every operation that wants a device session."""
