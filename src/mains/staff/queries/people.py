"""People of the utility as administrators see them, roles with who holds them, and changes that wait."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from mains.base.dated import holds_on
from mains.staff.models import ApprovalLimit, Assignment, Organisation, Proposal, RightsChange, Role, User
from mains.staff.values import POWERFUL, Permission, ProposalKind, RightsChangeKind, Scope


@dataclass(frozen=True, kw_only=True)
class HeldRole:
    """A role of a person in a unit, over [valid_from, valid_to), with who gave it and why."""

    assignment_id: int
    user_id: int
    person: str
    role_code: str
    role_name: str
    has_power: bool
    unit_id: int
    unit_name: str
    valid_from: date
    valid_to: date | None
    given_by: str
    proof: str


@dataclass(frozen=True, kw_only=True)
class PersonRecord:
    """A person with the roles that hold on the day or later."""

    id: int
    username: str
    name: str
    phone: str
    email: str
    is_active: bool
    last_login: datetime | None
    has_password: bool
    roles: tuple[HeldRole, ...]


@dataclass(frozen=True, kw_only=True)
class RoleRecord:
    """A role with its permissions in the order of `Permission`, and how many people hold it on the day."""

    id: int
    code: str
    name: str
    permissions: tuple[str, ...]
    is_delivered: bool
    demands_second_factor: bool
    has_power: bool
    people: int


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """A change of rights; `proposal_id` while it waits for a second administrator."""

    id: int
    kind: RightsChangeKind
    person: str
    user_id: int | None
    role_name: str
    role_code: str
    unit_name: str
    valid_from: date
    valid_to: date | None
    added: tuple[str, ...]
    taken: tuple[str, ...]
    limit_kind: str
    amount_minor: int | None
    reason: str
    asked_at: datetime
    asked_by: str
    asked_by_id: int | None
    proposal_id: int | None
    decided_by: str
    agrees: bool | None


@dataclass(frozen=True, kw_only=True)
class PeopleFilter:
    """Which people a list shows; `after` is the last user name of the page before."""

    text: str = ""
    role_code: str = ""
    unit_ids: frozenset[int] | None = None
    state: str = "active"
    after: str = ""


def list_people(
    *, scope: Scope, on_date: date, chosen: PeopleFilter = PeopleFilter(), limit: int = 51
) -> list[PersonRecord]:
    """People whom the scope reaches by a role of today or later, by user name; people without any role only for those
    who administer the whole utility."""
    found = _reached(scope, on_date)
    if chosen.state in ("active", "suspended"):
        found = found.filter(is_active=chosen.state == "active")
    for word in chosen.text.split()[:5]:
        found = found.filter(
            Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        )
    if chosen.role_code or chosen.unit_ids is not None:
        wanted = _held(on_date)
        if chosen.role_code:
            wanted = wanted.filter(role__code=chosen.role_code)
        if chosen.unit_ids is not None:
            wanted = wanted.filter(organisation_id__in=chosen.unit_ids)
        found = found.filter(Exists(wanted.filter(user_id=OuterRef("pk"))))
    people = list(found.filter(username__gt=chosen.after).order_by("username")[:limit])
    return _records(people, on_date)


def find_person(*, user_id: int, scope: Scope, on_date: date) -> PersonRecord | None:
    """The person, where the scope reaches them."""
    return next(iter(_records(list(_reached(scope, on_date).filter(pk=user_id)), on_date)), None)


def list_roles_with_people(*, on_date: date) -> list[RoleRecord]:
    """All roles by name."""
    counts = dict(
        _held(on_date, only_now=True)
        .values_list("role_id")
        .annotate(people=Count("user_id", distinct=True))
        .values_list("role_id", "people")
    )
    return [_role_record(role, counts.get(role.pk, 0)) for role in Role.objects.order_by("name", "code")]


def find_role(*, code: str, on_date: date) -> RoleRecord | None:
    """The role of that code."""
    role = Role.objects.filter(code=code).first()
    if role is None:
        return None
    held = _held(on_date, only_now=True).filter(role=role)
    return _role_record(role, held.values("user_id").distinct().count())


def list_holders(*, role_code: str, scope: Scope, on_date: date, limit: int = 200) -> list[HeldRole]:
    """Who holds the role on the day or will, within the scope, by name of the unit."""
    held = _held(on_date).filter(role__code=role_code)
    if scope.organisation_ids is not None:
        held = held.filter(organisation_id__in=scope.organisation_ids)
    return [_held_role(each) for each in held.order_by("organisation__name", "user__username")[:limit]]


def list_past_roles(*, user_id: int, on_date: date) -> list[HeldRole]:
    """Roles that the person held before the day, the latest first."""
    past = Assignment.objects.filter(user_id=user_id, superseded_at=None, valid__endswith__lte=on_date)
    past = past.select_related("user", "role", "organisation", "recorded_by")
    return [_held_role(each) for each in past.order_by("-valid__endswith") if not _is_empty(each)]


def list_changes(
    *, scope: Scope, user_id: int | None = None, role_code: str = "", is_waiting: bool | None = None,
    limit: int = 50,
) -> list[ChangeRecord]:  # fmt: skip
    """Changes of rights within the scope, the latest first: of a person, of a role, or those that wait."""
    found = RightsChange.objects.select_related("user", "role", "organisation", "asked_by")
    if scope.organisation_ids is not None:
        found = found.filter(organisation_id__in=scope.organisation_ids)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    if role_code:
        found = found.filter(role__code=role_code)
    proposals = Proposal.objects.filter(kind=ProposalKind.RIGHTS)
    if is_waiting:
        found = found.filter(pk__in=proposals.filter(decision__isnull=True).values("subject_id"))
    changes = list(found.order_by("-pk")[:limit])
    of_change = {
        each.subject_id: each
        for each in proposals.filter(subject_id__in=[change.pk for change in changes]).select_related(
            "decision__decided_by"
        )
    }
    return [_change_record(change, of_change.get(change.pk)) for change in changes]


def count_waiting_changes(*, scope: Scope) -> int:
    """How many changes of rights wait for a second administrator."""
    waiting = Proposal.objects.filter(kind=ProposalKind.RIGHTS, decision__isnull=True)
    if scope.organisation_ids is not None:
        waiting = waiting.filter(organisation_id__in=scope.organisation_ids)
    return waiting.count()


def list_role_limits(*, on_date: date) -> dict[str, dict[str, int]]:
    """Amount in minor units up to which a role approves, by code of the role and kind of proposal."""
    limits: dict[str, dict[str, int]] = {}
    found = ApprovalLimit.objects.filter(holds_on(on_date)).values_list("role__code", "kind", "amount_minor")
    for code, kind, amount_minor in found:
        limits.setdefault(code, {})[kind] = amount_minor
    return limits


def demands_second_factor(*, user_id: int, on_date: date) -> bool:
    """Whether a role that the person holds on the day asks for a second factor."""
    return _held(on_date, only_now=True).filter(user_id=user_id, role__demands_second_factor=True).exists()


def units_of(unit_ids: frozenset[int] | None, *, limit: int = 12) -> list[str]:
    """Names of some units, the largest kinds first; none for the whole utility."""
    if unit_ids is None:
        return []
    found = Organisation.objects.filter(pk__in=unit_ids).order_by("code")
    return list(found.values_list("name", flat=True)[:limit])


def _reached(scope: Scope, on_date: date) -> QuerySet[User]:
    if scope.organisation_ids is None:
        return User.objects.all()
    held = _held(on_date).filter(organisation_id__in=scope.organisation_ids, user_id=OuterRef("pk"))
    return User.objects.filter(Exists(held))


def _held(on_date: date, *, only_now: bool = False) -> QuerySet[Assignment]:
    """Roles that hold on the day or, unless `only_now`, begin later."""
    held = Assignment.objects.filter(superseded_at=None).select_related(
        "user", "role", "organisation", "recorded_by"
    )
    if only_now:
        return held.filter(valid__contains=on_date)
    return held.filter(Q(valid__endswith__gt=on_date) | Q(valid__upper_inf=True)).filter(valid__isempty=False)


def _records(people: list[User], on_date: date) -> list[PersonRecord]:
    roles: dict[int, list[HeldRole]] = {}
    held = _held(on_date).filter(user_id__in=[person.pk for person in people])
    for each in held.order_by("role__name", F("organisation__code")):
        roles.setdefault(each.user_id, []).append(_held_role(each))
    return [
        PersonRecord(
            id=person.pk,
            username=person.username,
            name=person.get_full_name() or person.username,
            phone=person.phone,
            email=person.email,
            is_active=person.is_active,
            last_login=person.last_login,
            has_password=person.has_usable_password(),
            roles=tuple(roles.get(person.pk, ())),
        )
        for person in people
    ]


def _held_role(each: Assignment) -> HeldRole:
    return HeldRole(
        assignment_id=each.pk,
        user_id=each.user_id,
        person=each.user.get_full_name() or each.user.username,
        role_code=each.role.code,
        role_name=each.role.name,
        has_power=not POWERFUL.isdisjoint(each.role.permissions),
        unit_id=each.organisation_id,
        unit_name=each.organisation.name,
        valid_from=each.valid.lower,
        valid_to=each.valid.upper,
        given_by=_name(each.recorded_by),
        proof=each.proof,
    )


def _is_empty(each: Assignment) -> bool:
    return bool(each.valid.isempty)


def _role_record(role: Role, people: int) -> RoleRecord:
    return RoleRecord(
        id=role.pk,
        code=role.code,
        name=role.name,
        permissions=tuple(each for each in Permission.values if each in role.permissions),
        is_delivered=role.is_delivered,
        demands_second_factor=role.demands_second_factor,
        has_power=not POWERFUL.isdisjoint(role.permissions),
        people=people,
    )


def _change_record(change: RightsChange, proposal: Proposal | None) -> ChangeRecord:
    decision: Any = getattr(proposal, "decision", None)
    before, after = (set(told.get("permissions", ())) for told in (change.before, change.after))
    is_of_role = change.kind == RightsChangeKind.ROLE
    return ChangeRecord(
        id=change.pk,
        kind=RightsChangeKind(change.kind),
        person=_name(change.user),
        user_id=change.user_id,
        role_name=change.role.name if change.role else "",
        role_code=change.role.code if change.role else "",
        unit_name=change.organisation.name if change.organisation else "",
        valid_from=change.valid_from,
        valid_to=change.valid_to,
        added=_labels(after - before) if is_of_role else (),
        taken=_labels(before - after) if is_of_role else (),
        limit_kind=change.after.get("kind", ""),
        amount_minor=change.after.get("amount_minor"),
        reason=change.reason,
        asked_at=change.asked_at,
        asked_by=_name(change.asked_by),
        asked_by_id=change.asked_by_id,
        proposal_id=proposal.pk if proposal and decision is None else None,
        decided_by=_name(decision.decided_by) if decision else "",
        agrees=decision.agrees if decision else None,
    )


def _labels(permissions: set[str]) -> tuple[str, ...]:
    return tuple(str(each.label) for each in Permission if each.value in permissions)


def _name(person: User | None) -> str:
    return (person.get_full_name() or person.username) if person else ""
