"""Roles and what they may do."""

from dataclasses import dataclass

from mains.staff.models import Role
from mains.staff.values import Permission


@dataclass(frozen=True)
class RoleRecord:
    """A role with its permissions, in the order of `Permission`; those that no version of Mains knows are left out."""

    code: str
    name: str
    permissions: tuple[str, ...]


def list_roles() -> list[RoleRecord]:
    """All roles by code."""
    return [
        RoleRecord(
            role.code, role.name, tuple(each for each in Permission.values if each in role.permissions)
        )
        for role in Role.objects.order_by("code")
    ]


def list_unheld_permissions() -> list[str]:
    """Permissions that no role holds, so that nobody can do what they allow; none while there are no roles at all."""
    roles = list_roles()
    held = {permission for role in roles for permission in role.permissions}
    return [each for each in Permission.values if each not in held] if roles else []
