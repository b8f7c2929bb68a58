"""How types of the wire become JSON and back: built when first used, once for all.

Building one takes milliseconds, and a terminal that built them all would open later.
"""

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_BUILT: dict[type, TypeAdapter[Any]] = {}


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """Return what validates and writes values of `kind`."""
    found = _BUILT.get(kind)
    if found is None:
        found = _BUILT[kind] = TypeAdapter(kind)
    return found
