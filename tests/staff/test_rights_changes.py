"""Administrators change rights: dated, with a reason, by two people where it gives power, never for themselves."""

from datetime import UTC, date, datetime

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from mains.kernel.errors import MainsError
from mains.staff.actions.registry import assign_role
from mains.staff.actions.rights import (
    Asking,
    UnableToChangeRights,
    ask_for_password,
    bring_back,
    change_role,
    decide_rights,
    end_role_of,
    give_role,
    reset_factors,
    suspend,
)
from mains.staff.models import Assignment, Organisation, OrganisationPlacement, Role, User
from mains.staff.queries.people import (
    PeopleFilter,
    find_person,
    list_changes,
    list_past_roles,
    list_people,
)
from mains.staff.queries.rights import rights_of, rights_with, subtree_of
from mains.staff.values import EVERYTHING, Permission, Scope

pytestmark = pytest.mark.django_db

NOW = datetime(2021, 6, 7, 9, tzinfo=UTC)
TODAY = NOW.date()


class Cast:
    """Ada and Musa administer the utility, Ngozi its north; Bola is a clerk of the north, Sani has no role."""

    def __init__(self) -> None:
        self.units = {
            code: Organisation.objects.create(code=code, name=code.title(), kind=kind)
            for code, kind in (("utility", "utility"), ("north", "branch"), ("south", "branch"))
        }
        for code in ("north", "south"):
            OrganisationPlacement.objects.create(
                organisation=self.units[code],
                parent=self.units["utility"],
                valid=DateRange(date(2020, 1, 1), None),
                recorded_at=NOW,
            )
        for code, permissions in (
            ("administrator", ["see_accounts", "administer"]),
            ("accountant", ["see_accounts", "approve_money"]),
            ("clerk", ["see_accounts"]),
        ):
            Role.objects.create(code=code, name=code.title(), permissions=permissions)
        self.people = {
            name: User.objects.create(username=name) for name in ("ada", "musa", "ngozi", "bola", "sani")
        }
        for name, unit, role in (
            ("ada", "utility", "administrator"),
            ("musa", "utility", "administrator"),
            ("ngozi", "north", "administrator"),
            ("bola", "north", "clerk"),
        ):
            assign_role(
                user=self.people[name],
                unit=self.units[unit],
                role=Role.objects.get(code=role),
                valid_from=date(2021, 1, 1),
                actor=None,
                now=NOW,
            )

    def asking(self, name: str, reason: str = "Order 12") -> Asking:
        user = self.people[name]
        scope = rights_of(user=user, on_date=TODAY).scope(Permission.ADMINISTER)
        return Asking(actor_id=user.pk, reason=reason, now=NOW, scope=scope)

    def give(self, by: str, to: str, role: str, unit: str = "north"):
        return give_role(
            user_id=self.people[to].pk,
            unit_id=self.units[unit].pk,
            role_code=role,
            valid_from=TODAY,
            valid_to=None,
            asking=self.asking(by),
        )

    def may(self, name: str, on: date = TODAY) -> frozenset[str]:
        return rights_of(user=User.objects.get(username=name), on_date=on).permissions


@pytest.fixture
def cast() -> Cast:
    return Cast()


def _waiting() -> int:
    (change,) = list_changes(scope=EVERYTHING, is_waiting=True)
    assert change.proposal_id
    return change.proposal_id


def test_a_plain_role_is_given_at_once_and_says_by_whom_and_why(cast) -> None:
    assert not cast.give("ngozi", "sani", "clerk").is_waiting
    person = find_person(user_id=cast.people["sani"].pk, scope=EVERYTHING, on_date=TODAY)
    assert person
    (held,) = person.roles
    assert (held.role_code, held.unit_name, held.valid_from) == ("clerk", "North", TODAY)
    assert (held.given_by, held.proof) == ("ngozi", "Order 12")


def test_a_role_that_holds_power_waits_for_a_second_administrator(cast) -> None:
    assert cast.give("ada", "sani", "accountant", "utility").is_waiting
    assert cast.may("sani") == frozenset()
    proposal_id = _waiting()
    with pytest.raises(MainsError, match="themselves"):
        decide_rights(proposal_id=proposal_id, agrees=True, now=NOW, actor_id=cast.people["ada"].pk)
    assert cast.may("sani") == frozenset()
    decide_rights(proposal_id=proposal_id, agrees=True, now=NOW, actor_id=cast.people["musa"].pk)
    assert "approve_money" in cast.may("sani")
    with pytest.raises(MainsError, match="decided"):
        decide_rights(proposal_id=proposal_id, agrees=True, now=NOW, actor_id=cast.people["musa"].pk)


def test_what_is_refused_does_not_hold(cast) -> None:
    cast.give("ada", "sani", "accountant", "utility")
    decide_rights(proposal_id=_waiting(), agrees=False, now=NOW, actor_id=cast.people["musa"].pk)
    assert cast.may("sani") == frozenset()
    assert list_changes(scope=EVERYTHING, is_waiting=True) == []


def test_nobody_raises_themselves_nor_agrees_to_be_raised(cast) -> None:
    with pytest.raises(UnableToChangeRights, match="themselves"):
        cast.give("ngozi", "ngozi", "clerk")
    cast.give("ada", "musa", "accountant", "utility")
    with pytest.raises(UnableToChangeRights, match="themselves"):
        decide_rights(proposal_id=_waiting(), agrees=True, now=NOW, actor_id=cast.people["musa"].pk)
    with pytest.raises(UnableToChangeRights, match="themselves"):
        change_role(
            role_code="administrator",
            permissions=["see_accounts", "administer", "settle"],
            demands_second_factor=False,
            asking=cast.asking("ada"),
        )


def test_an_administrator_of_a_branch_stays_in_it(cast) -> None:
    with pytest.raises(UnableToChangeRights, match="do not administer"):
        cast.give("ngozi", "sani", "clerk", "south")
    held = Assignment.objects.get(user__username="musa")
    with pytest.raises(UnableToChangeRights, match="no such role"):
        end_role_of(assignment_id=held.pk, end_date=TODAY, asking=cast.asking("ngozi"))
    with pytest.raises(UnableToChangeRights, match="whole utility"):
        change_role(
            role_code="clerk", permissions=[], demands_second_factor=False, asking=cast.asking("ngozi")
        )
    scope = cast.asking("ngozi").scope
    names = {person.username for person in list_people(scope=scope, on_date=TODAY)}
    assert names == {"ngozi", "bola"}
    assert find_person(user_id=cast.people["ada"].pk, scope=scope, on_date=TODAY) is None


def test_a_role_ends_on_a_day_and_stays_readable(cast) -> None:
    held = Assignment.objects.get(user__username="bola")
    end = date(2021, 7, 1)
    end_role_of(assignment_id=held.pk, end_date=end, asking=cast.asking("ngozi"))
    assert cast.may("bola", date(2021, 6, 30)) == {"see_accounts"}
    assert cast.may("bola", end) == frozenset()
    (past,) = list_past_roles(user_id=cast.people["bola"].pk, on_date=end)
    assert (past.valid_from, past.valid_to) == (date(2021, 1, 1), end)


def test_the_last_administrator_stays(cast) -> None:
    by_musa = cast.asking("musa")
    suspend(user_id=cast.people["ada"].pk, asking=by_musa)
    assert cast.may("ada") == frozenset()
    held = Assignment.objects.get(user__username="musa")
    with pytest.raises(UnableToChangeRights, match="Nobody would administer"):
        end_role_of(assignment_id=held.pk, end_date=TODAY, asking=cast.asking("musa"))
    assert "administer" in cast.may("musa")
    assert bring_back(user_id=cast.people["ada"].pk, asking=cast.asking("musa")).is_waiting


def test_more_power_for_a_role_waits_and_less_holds_at_once(cast) -> None:
    told = {"role_code": "clerk", "demands_second_factor": True}
    asked = change_role(permissions=["see_accounts", "approve_money"], asking=cast.asking("ada"), **told)
    assert asked.is_waiting
    assert cast.may("bola") == {"see_accounts"}
    decide_rights(proposal_id=_waiting(), agrees=True, now=NOW, actor_id=cast.people["musa"].pk)
    assert cast.may("bola") == {"see_accounts", "approve_money"}
    assert rights_of(user=cast.people["bola"], on_date=TODAY).demands_second_factor
    assert not change_role(permissions=["see_accounts"], asking=cast.asking("ada"), **told).is_waiting
    assert cast.may("bola") == {"see_accounts"}
    latest, first = list_changes(scope=EVERYTHING, role_code="clerk")
    assert first.added == (str(Permission.APPROVE_MONEY.label),)
    assert latest.taken == (str(Permission.APPROVE_MONEY.label),)


def test_an_own_role_begins_with_nothing_and_needs_a_reason(cast) -> None:
    with pytest.raises(UnableToChangeRights, match="reason"):
        change_role(
            role_code="night", name="Night", permissions=[], demands_second_factor=False,
            asking=cast.asking("ada", " "),
        )  # fmt: skip
    change_role(
        role_code="night",
        name="Night",
        permissions=[],
        demands_second_factor=False,
        asking=cast.asking("ada"),
    )
    role = Role.objects.get(code="night")
    assert (role.permissions, role.is_delivered) == ([], False)
    with pytest.raises(UnableToChangeRights, match="no permission"):
        change_role(
            role_code="night", permissions=["fly"], demands_second_factor=False, asking=cast.asking("ada")
        )


def test_people_are_found_by_name_role_unit_and_state(cast) -> None:
    def names(**chosen: object) -> set[str]:
        found = list_people(scope=EVERYTHING, on_date=TODAY, chosen=PeopleFilter(**chosen))
        return {person.username for person in found}

    assert names(text="BOL") == {"bola"}
    assert names(role_code="administrator") == {"ada", "musa", "ngozi"}
    north = subtree_of(organisation_ids=[cast.units["north"].pk], on_date=TODAY)
    assert names(unit_ids=north) == {"ngozi", "bola"}
    suspend(user_id=cast.people["bola"].pk, asking=cast.asking("ada"))
    assert names(state="suspended") == {"bola"}
    assert [p.username for p in list_people(scope=EVERYTHING, on_date=TODAY, limit=2)] == ["ada", "musa"]


def test_a_preview_with_a_role_changes_nothing(cast) -> None:
    own = rights_of(user=cast.people["bola"], on_date=TODAY)
    more = rights_with(rights=own, role_code="accountant", unit_id=cast.units["south"].pk, on_date=TODAY)
    assert more.scope(Permission.APPROVE_MONEY) == Scope(
        organisation_ids=frozenset({cast.units["south"].pk}),
        permissions=frozenset({"see_accounts", "approve_money"}),
    )
    assert cast.may("bola") == {"see_accounts"}


def test_a_link_to_a_powerful_person_s_password_takes_two(cast) -> None:
    asked = ask_for_password(user_id=cast.people["musa"].pk, asking=cast.asking("ada"))
    assert asked.is_waiting
    assert not ask_for_password(user_id=cast.people["bola"].pk, asking=cast.asking("ada")).is_waiting
    with pytest.raises(UnableToChangeRights, match="themselves"):
        ask_for_password(user_id=cast.people["ada"].pk, asking=cast.asking("ada"))
    assert reset_factors(user_id=cast.people["musa"].pk, asking=cast.asking("ada")).is_waiting
