"""Who may do what, changed by administrators: dated, with a reason, and by two people where it gives power.

Nobody raises themselves: neither asks for more rights of their own nor agrees to them. What only the owner of the
machine may do without a second person, such as naming the first administrator, are commands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from mains.kernel.errors import MainsError
from mains.staff.actions.approvals import UnableToDecide, decide, propose
from mains.staff.actions.registry import assign_role, end_role
from mains.staff.actions.sign_in import end_sessions, forget_second_factors
from mains.staff.models import Assignment, Organisation, Proposal, RightsChange, Role, User
from mains.staff.queries.rights import rights_of
from mains.staff.values import (
    EVERYTHING,
    POWERFUL,
    OrganisationKind,
    Permission,
    ProposalKind,
    RightsChangeKind,
    Scope,
)

_CODE_MAX = 40
_TEXT_MAX = 200


class UnableToChangeRights(MainsError):
    """The change is incomplete, out of reach, raises its own author or would leave nobody in charge."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks for a change of rights, when, why, and how far their right to administer reaches."""

    actor_id: int | None
    reason: str
    now: datetime
    scope: Scope = EVERYTHING


@dataclass(frozen=True)
class Asked:
    """What became of it: carried out, or waiting for a second administrator."""

    change_id: int
    is_waiting: bool


@transaction.atomic
def give_role(
    *, user_id: int, unit_id: int, role_code: str, valid_from: date, valid_to: date | None, asking: Asking
) -> Asked:
    """Give a person a role in a unit and below. A role that holds power waits for a second administrator.

    Raises UnableToChangeRights, UnableToAssignRole, UnableToRecordFact.
    """
    user, role, unit = _person(user_id), _role(role_code), _unit(unit_id, asking.scope)
    _check_not_own(asking.actor_id, {user.pk})
    change = _note(
        RightsChangeKind.GRANT,
        asking,
        user=user,
        role=role,
        organisation=unit,
        valid_from=valid_from,
        valid_to=valid_to,
        after={"permissions": role.permissions},
    )
    return _carry_out_or_wait(change, asking, has_power=_has_power(role.permissions))


@transaction.atomic
def end_role_of(*, assignment_id: int, end_date: date, asking: Asking) -> Asked:
    """Take a role away from `end_date` on, the first day without it, at once. Raises UnableToChangeRights."""
    held = Assignment.objects.select_for_update().filter(pk=assignment_id, superseded_at=None).first()
    if held is None or not asking.scope.covers(held.organisation_id):
        raise _refusal("assignment-unknown", "There is no such role of this person.", "role", "Look again.")
    change = _note(
        RightsChangeKind.END,
        asking,
        user=held.user,
        role=held.role,
        organisation=held.organisation,
        valid_from=end_date,
    )
    end_role(
        user=held.user, unit=held.organisation, role=held.role, end_date=end_date, now=asking.now
    )  # fmt: skip
    _check_somebody_administers(end_date)
    return Asked(change.pk, is_waiting=False)


@transaction.atomic
def change_role(
    *, role_code: str, permissions: Sequence[str], demands_second_factor: bool, asking: Asking, name: str = ""
) -> Asked:
    """State what a role may do, or found one. More power waits for a second administrator; less holds at once.

    Roles are of the whole utility. Raises UnableToChangeRights.
    """
    _check_whole(asking.scope)
    unknown = [each for each in permissions if each not in Permission.values]
    if unknown:
        raise _refusal(
            "permission-unknown",
            f"There is no permission {unknown[0]}.",
            "permissions",
            "Choose from the list.",
        )
    role = Role.objects.select_for_update().filter(code=role_code).first() or _found_role(role_code, name)
    wanted = [each for each in Permission.values if each in permissions]
    more = set(wanted) - set(role.permissions)
    if more:
        _check_not_own(asking.actor_id, _holders(role, asking.now.date()))
    before = {"permissions": role.permissions, "demands_second_factor": role.demands_second_factor}
    after = {"permissions": wanted, "demands_second_factor": demands_second_factor}
    change = _note(
        RightsChangeKind.ROLE,
        asking,
        role=role,
        valid_from=asking.now.date(),
        before=before,
        after=after,
    )
    weakens = role.demands_second_factor and not demands_second_factor and _has_power(wanted)
    return _carry_out_or_wait(change, asking, has_power=_has_power(more) or weakens)


@transaction.atomic
def suspend(*, user_id: int, asking: Asking) -> Asked:
    """Let a person sign in no more, at once; what they did stays. Raises UnableToChangeRights."""
    user = _person(user_id)
    change = _note(RightsChangeKind.SUSPENSION, asking, user=user, valid_from=asking.now.date())
    User.objects.filter(pk=user.pk).update(is_active=False)
    _check_somebody_administers(asking.now.date())
    return Asked(change.pk, is_waiting=False)


@transaction.atomic
def bring_back(*, user_id: int, asking: Asking) -> Asked:
    """Let a suspended person sign in again, with the roles they hold; power waits for a second administrator."""
    user = _person(user_id)
    _check_not_own(asking.actor_id, {user.pk})
    change = _note(RightsChangeKind.RETURN, asking, user=user, valid_from=asking.now.date())
    return _carry_out_or_wait(change, asking, has_power=_is_powerful(user, asking.now.date()))


@transaction.atomic
def ask_for_password(*, user_id: int, asking: Asking) -> Asked:
    """Ask for a link by which a person sets a password. Whoever holds such a link could sign in as the person, so for
    people with power a second administrator agrees and gets the link. Raises UnableToChangeRights."""
    return _change_sign_in(RightsChangeKind.PASSWORD, user_id, asking)


@transaction.atomic
def reset_factors(*, user_id: int, asking: Asking) -> Asked:
    """Forget a person's second factors and sign them out; for people with power a second administrator agrees."""
    return _change_sign_in(RightsChangeKind.FACTORS, user_id, asking)


@transaction.atomic
def decide_rights(
    *, proposal_id: int, agrees: bool, now: datetime, actor_id: int | None, note: str = "",
    scope: Scope = EVERYTHING,
) -> RightsChange:  # fmt: skip
    """Agree to a change that a colleague asked for, and carry it out, or refuse it.

    Raises UnableToDecide: unknown, decided, own; UnableToChangeRights: it would raise whoever agrees.
    """
    proposal = Proposal.objects.filter(pk=proposal_id, kind=ProposalKind.RIGHTS).first()
    if proposal is None:
        raise UnableToDecide(
            code="proposal-unknown",
            message="There is no such proposal.",
            place=f"proposal {proposal_id}",
            remedy="Look at the list.",
        )
    change = RightsChange.objects.select_related("user", "role", "organisation").get(pk=proposal.subject_id)
    if agrees:
        raised = {change.user_id} if change.user_id else set()
        if change.role_id and not change.user_id:
            assert change.role
            raised = _holders(change.role, now.date())
        _check_not_own(actor_id, raised)
    decide(proposal_id=proposal_id, agrees=agrees, now=now, actor_id=actor_id, note=note, scope=scope)
    if agrees:
        _carry_out(change, actor_id=actor_id, now=now)
    return change


def add_person(
    *, username: str, first_name: str, last_name: str, phone: str, email: str, language: str
) -> User:
    """A person of the utility, who has no right and no password yet. Raises UnableToChangeRights."""
    username = username.strip()
    if not username or User.objects.filter(username__iexact=username).exists():
        raise UnableToChangeRights(
            code="username-taken",
            message="This user name is missing or somebody has it.",
            place="username",
            remedy="Choose another user name.",
            params={"field": "username"},
        )
    person = User(
        username=username,
        first_name=first_name.strip(),
        last_name=last_name.strip(),
        phone=phone.strip(),
        email=email.strip(),
        language=language,
    )
    person.set_unusable_password()
    person.save(force_insert=True)
    return person


def _change_sign_in(kind: RightsChangeKind, user_id: int, asking: Asking) -> Asked:
    user = _person(user_id)
    _check_not_own(asking.actor_id, {user.pk})
    change = _note(kind, asking, user=user, valid_from=asking.now.date())
    return _carry_out_or_wait(change, asking, has_power=_is_powerful(user, asking.now.date()))


def _carry_out_or_wait(change: RightsChange, asking: Asking, *, has_power: bool) -> Asked:
    # A command's author is the owner of the machine: there is nobody above to ask.
    if has_power and asking.actor_id is not None:
        propose(
            kind=ProposalKind.RIGHTS,
            subject_id=change.pk,
            organisation_id=change.organisation_id,
            reason=asking.reason,
            now=asking.now,
            actor_id=asking.actor_id,
        )
        return Asked(change.pk, is_waiting=True)
    _carry_out(change, actor_id=asking.actor_id, now=asking.now)
    return Asked(change.pk, is_waiting=False)


def _carry_out(change: RightsChange, *, actor_id: int | None, now: datetime) -> None:
    author_id = change.asked_by_id or actor_id
    actor = User.objects.filter(pk=author_id).first() if author_id else None
    match RightsChangeKind(change.kind):
        case RightsChangeKind.GRANT:
            assert change.user
            assert change.role
            assert change.organisation
            assign_role(
                user=change.user,
                unit=change.organisation,
                role=change.role,
                valid_from=change.valid_from,
                valid_to=change.valid_to,
                actor=actor,
                now=now,
                proof=change.reason,
            )
        case RightsChangeKind.ROLE:
            assert change.role
            Role.objects.filter(pk=change.role.pk).update(**change.after)
            _check_somebody_administers(now.date())
        case RightsChangeKind.RETURN:
            assert change.user
            User.objects.filter(pk=change.user.pk).update(is_active=True)
        case RightsChangeKind.FACTORS:
            assert change.user_id
            forget_second_factors(user_id=change.user_id)
            end_sessions(user_id=change.user_id)
        case RightsChangeKind.PASSWORD:
            pass  # whoever carries it out makes the link and sees it once
        case RightsChangeKind.END | RightsChangeKind.SUSPENSION:
            raise AssertionError("Taken away at once, never proposed.")


def _note(
    kind: RightsChangeKind,
    asking: Asking,
    *,
    valid_from: date,
    valid_to: date | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **subject: Any,
) -> RightsChange:
    reason = " ".join(asking.reason.split())
    if not reason or len(reason) > _TEXT_MAX:
        raise _refusal(
            "rights-reason",
            "A change of rights needs a reason of at most 200 characters.",
            "reason",
            "Name the order or the person who asked for it.",
        )
    return RightsChange.objects.create(
        kind=kind,
        valid_from=valid_from,
        valid_to=valid_to,
        before=dict(before or {}),
        after=dict(after or {}),
        reason=reason,
        asked_at=asking.now,
        asked_by_id=asking.actor_id,
        **subject,
    )


def _found_role(code: str, name: str) -> Role:
    if not code.isidentifier() or len(code) > _CODE_MAX or not name.strip():
        raise _refusal(
            "role-code",
            "A role has a code of letters, digits and underscores, and a name.",
            "code",
            "Give both, such as night_clerk and Night clerk.",
        )
    return Role.objects.create(code=code, name=name.strip()[:100], permissions=[], is_delivered=False)


def _person(user_id: int) -> User:
    found = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if found is None:
        raise _refusal("person-unknown", "There is no such person.", "person", "Look at the list of people.")
    return found


def _role(code: str) -> Role:
    found = Role.objects.filter(code=code).first()
    if found is None:
        raise _refusal("role-unknown", f"There is no role {code}.", "role", "Look at the list of roles.")
    return found


def _unit(unit_id: int, scope: Scope) -> Organisation:
    found = Organisation.objects.filter(pk=unit_id).first()
    if found is None or not scope.covers(unit_id):
        raise _refusal(
            "unit-unreached",
            "You do not administer this unit.",
            "unit",
            "Ask an administrator of the utility.",
        )
    return found


def _has_power(permissions: Sequence[str] | set[str]) -> bool:
    return not POWERFUL.isdisjoint(permissions)


def _is_powerful(user: User, on_date: date) -> bool:
    """Whether the person holds power on the day or will."""
    held = Assignment.objects.filter(user=user, superseded_at=None, valid__isempty=False)
    lasting = held.filter(Q(valid__endswith__gt=on_date) | Q(valid__upper_inf=True))
    roles = lasting.values_list("role__permissions", flat=True)
    return user.is_superuser or any(_has_power(permissions) for permissions in roles)


def _holders(role: Role, on_date: date) -> set[int]:
    held = Assignment.objects.filter(role=role, superseded_at=None, valid__contains=on_date)
    return set(held.values_list("user_id", flat=True))


def _check_whole(scope: Scope) -> None:
    if scope.organisation_ids is not None:
        raise _refusal(
            "roles-of-all",
            "Roles belong to the whole utility; you administer a part of it.",
            "role",
            "Ask an administrator of the utility.",
        )


def _check_not_own(actor_id: int | None, raised: set[int]) -> None:
    if actor_id in raised:
        raise _refusal(
            "rights-own",
            "Nobody gives themselves more rights.",
            "person",
            "Ask an administrator who does not gain from it.",
        )


def _check_somebody_administers(on_date: date) -> None:
    """The last administrator of the whole utility stays, or nobody could ever change a right in the office."""
    if User.objects.filter(is_active=True, is_superuser=True).exists():
        return
    held = Assignment.objects.filter(
        superseded_at=None,
        valid__contains=on_date,
        user__is_active=True,
        organisation__kind=OrganisationKind.UTILITY,
        role__permissions__contains=[Permission.ADMINISTER.value],
    ).select_related("user")
    if not any(
        rights_of(user=each.user, on_date=on_date).scope(Permission.ADMINISTER).organisation_ids is None
        for each in held
    ):
        raise _refusal(
            "last-administrator",
            "Nobody would administer the utility any more.",
            "person",
            "Give another person the role first.",
        )


def _refusal(code: str, message: str, place: str, remedy: str) -> UnableToChangeRights:
    return UnableToChangeRights(code=code, message=message, place=place, remedy=remedy)
