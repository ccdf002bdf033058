"""Who may do what, and where: the scope that limits every query made for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import AbstractUser
from django.db import connection

from mains.staff.models import Assignment, Organisation, Role
from mains.staff.values import EVERYTHING, OrganisationKind, Scope

NOBODY = Scope(organisation_ids=frozenset(), permissions=frozenset())


@dataclass(frozen=True)
class Rights:
    """All grants of one person on one date: each role reaches the subtree of the unit that it was given in."""

    grants: tuple[Scope, ...]
    demands_second_factor: bool = False

    @property
    def permissions(self) -> frozenset[str]:
        """What the person may do in at least one unit."""
        return frozenset().union(*(grant.permissions for grant in self.grants))

    def may(self, permission: str, organisation_id: int) -> bool:
        """Whether the person may do this in the unit."""
        return self.scope(permission).covers(organisation_id)

    def scope(self, *wanted: str) -> Scope:
        """Where the person may do this one thing, or any of several; no organisations at all when nowhere.

        A clerk of one branch who is an accountant of another sees money only in the second.
        """
        grants = [grant for grant in self.grants if any(grant.may(permission) for permission in wanted)]
        if not grants:
            return NOBODY
        permissions = frozenset().union(*(grant.permissions for grant in grants))
        if any(grant.organisation_ids is None for grant in grants):
            return Scope(organisation_ids=None, permissions=permissions)
        reached = frozenset().union(*(grant.organisation_ids or frozenset() for grant in grants))
        return Scope(organisation_ids=reached, permissions=permissions)


def rights_of(*, user: AbstractUser, on_date: date) -> Rights:
    """The person's grants by the assignments believed now that hold on `on_date`; an inactive person has none."""
    if not user.is_active:
        return Rights(grants=())
    if user.is_superuser:
        return Rights(grants=(EVERYTHING,))
    assignments = Assignment.objects.filter(user_id=user.pk, superseded_at=None, valid__contains=on_date)
    held = list(
        assignments.order_by("id").values_list(
            "organisation_id", "organisation__kind", "role__permissions", "role__demands_second_factor"
        )
    )
    return Rights(
        demands_second_factor=any(demands for *_, demands in held),
        grants=tuple(
            Scope(
                organisation_ids=None
                if kind == OrganisationKind.UTILITY
                else subtree_of(organisation_ids=[organisation_id], on_date=on_date),
                permissions=frozenset(permissions),
            )
            for organisation_id, kind, permissions, _ in held
        ),
    )


def rights_with(*, rights: Rights, role_code: str, unit_id: int, on_date: date) -> Rights:
    """The same rights with one more role in a unit, given or not: what a person would see with it."""
    role = Role.objects.filter(code=role_code).first()
    unit = Organisation.objects.filter(pk=unit_id).first()
    if role is None or unit is None:
        return rights
    reached = (
        None
        if unit.kind == OrganisationKind.UTILITY
        else subtree_of(organisation_ids=[unit_id], on_date=on_date)
    )
    grant = Scope(organisation_ids=reached, permissions=frozenset(role.permissions))
    return Rights(
        grants=(*rights.grants, grant),
        demands_second_factor=rights.demands_second_factor or role.demands_second_factor,
    )


def scope_of(*, user: AbstractUser, on_date: date, permission: str) -> Scope:
    """Where `user` may exercise `permission` on `on_date`."""
    return rights_of(user=user, on_date=on_date).scope(permission)


SUBTREE = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest(%(roots)s::bigint[])
    UNION
    SELECT placement.organisation_id
    FROM staff_organisationplacement placement JOIN reached ON placement.parent_id = reached.id
    WHERE placement.superseded_at IS NULL AND placement.valid @> %(on_date)s::date
)
SELECT id FROM reached
"""


def subtree_of(*, organisation_ids: Iterable[int], on_date: date) -> frozenset[int]:
    """The units and everything that stands below them on the date."""
    with connection.cursor() as cursor:
        cursor.execute(SUBTREE, {"roots": list(organisation_ids), "on_date": on_date})
        return frozenset(row[0] for row in cursor.fetchall())
