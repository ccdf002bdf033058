"""The organisation tree and who works where, one object at a time. Every write is a dated fact."""

from datetime import date, datetime

from django.db import models, transaction

from mains.base.dated import record_fact, withdraw_facts
from mains.base.trees import first_day_below_itself
from mains.kernel.errors import MainsError
from mains.staff.models import Assignment, Organisation, OrganisationPlacement, Role, User
from mains.staff.values import OrganisationKind, Permission


class UnableToPlaceUnit(MainsError):
    """The unit's code is taken, or it would stand below itself."""


class UnableToAssignRole(MainsError):
    """The person has this role in this unit on some of the dates already."""


class UnableToChangeRole(MainsError):
    """There is no such role, or no such permission."""


@transaction.atomic
def grant_permission(*, role_code: str, permission: str) -> None:
    """Let everybody of the role do one thing more. Raises UnableToChangeRole."""
    role = Role.objects.select_for_update().filter(code=role_code).first()
    if role is None:
        known = ", ".join(Role.objects.order_by("code").values_list("code", flat=True)) or "none"
        raise UnableToChangeRole(
            code="role-unknown",
            message=f"There is no role {role_code}.",
            place="role",
            remedy=f"Choose one of: {known}.",
        )
    if permission not in Permission.values:
        raise UnableToChangeRole(
            code="permission-unknown",
            message=f"There is no permission {permission}.",
            place="permission",
            remedy=f"Choose one of: {', '.join(Permission.values)}.",
        )
    if permission not in role.permissions:
        role.permissions = [*role.permissions, permission]
        role.save(update_fields=["permissions"])


@transaction.atomic
def found_unit(
    *,
    code: str,
    name: str,
    kind: OrganisationKind | str,
    parent: Organisation | None,
    valid_from: date,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Organisation:
    """Create a unit of the organisation under `parent` (None: at the top). Raises UnableToPlaceUnit."""
    if Organisation.objects.filter(code=code).exists():
        raise UnableToPlaceUnit(
            code="unit-code-taken",
            message=f"There is a unit {code} already.",
            place=code,
            remedy="Choose another code.",
            params={"field": "code"},
        )
    unit = Organisation.objects.create(code=code, name=name, kind=kind)
    place_unit(unit=unit, parent=parent, valid_from=valid_from, actor=actor, now=now, proof=proof)
    return unit


@transaction.atomic
def place_unit(
    *,
    unit: Organisation,
    parent: Organisation | None,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> OrganisationPlacement:
    """Put a unit under a parent over [valid_from, valid_to). Raises UnableToPlaceUnit, UnableToRecordFact."""
    # Two placements that are right one by one may close a circle together, so the tree is written by one at a time.
    list(Organisation.objects.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    circle = parent and first_day_below_itself(
        table="staff_organisationplacement",
        child_id=unit.pk,
        parent_id=parent.pk,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    if circle:
        raise UnableToPlaceUnit(
            code="unit-below-itself",
            message=f"{unit.name} would stand below itself on {circle}.",
            place=unit.code,
            remedy="Choose a parent that does not belong to it.",
            params={"field": "parent"},
        )
    return record_fact(
        model=OrganisationPlacement,
        subject={"organisation": unit},
        values={"parent": parent},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


@transaction.atomic
def assign_role(
    *,
    user: User,
    unit: Organisation,
    role: Role,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Assignment:
    """Give a person a role in a unit and all below it. Raises UnableToAssignRole, UnableToRecordFact."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    subject = {"user": user, "organisation": unit, "role": role}
    has_it = Assignment.objects.filter(**subject, superseded_at=None, valid__overlap=(valid_from, valid_to))
    if has_it.exists():
        raise UnableToAssignRole(
            code="role-held",
            message=f"{user.username} is {role.name} of {unit.name} on some of these dates already.",
            place=f"{user.username}, {unit.code}",
            remedy="End the earlier assignment first.",
        )
    return record_fact(
        model=Assignment,
        subject=subject,
        values={},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


def end_role(*, user: User, unit: Organisation, role: Role, end_date: date, now: datetime) -> int:
    """Take a role away from `end_date` on, the first day without it; how many assignments this touched."""
    return withdraw_facts(
        model=Assignment,
        subject={"user": user, "organisation": unit, "role": role},
        valid_from=end_date,
        now=now,
    )
