"""Roles of the people in a store and what each may do."""

from enum import StrEnum


class Role(StrEnum):
    """Roles, from the fewest rights to the most; an auditor reads everything and does nothing."""

    ASSOCIATE = "associate"
    LEAD = "lead"
    MANAGER = "manager"
    AUDITOR = "auditor"


MAY_WORK = frozenset({Role.ASSOCIATE, Role.LEAD, Role.MANAGER})
"""Roles that may change anything at all."""

MAY_OVERRIDE = frozenset({Role.LEAD, Role.MANAGER})
"""Roles that may hand over without a pickup code that matches, on an ID check."""
