"""Rights follow dated assignments down the organisation tree."""

from datetime import UTC, date, datetime

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from mains.staff.models import Assignment, Organisation, OrganisationPlacement, Role, User
from mains.staff.queries.organisations import list_units, path_of
from mains.staff.queries.rights import rights_of, scope_of
from mains.staff.values import EVERYTHING, Permission

pytestmark = pytest.mark.django_db

THEN = datetime(2020, 1, 1, tzinfo=UTC)
TODAY = date(2021, 6, 7)


class Tree:
    """Utility over two branches; the northern branch has a team, which moved there from the southern one."""

    def __init__(self) -> None:
        self.units = {
            code: Organisation.objects.create(code=code, name=code.title(), kind=kind)
            for code, kind in (
                ("utility", "utility"),
                ("north", "branch"),
                ("south", "branch"),
                ("team", "team"),
            )
        }
        self._place("utility", None)
        self._place("north", "utility")
        self._place("south", "utility")
        self._place("team", "south", to=date(2021, 1, 1))
        self._place("team", "north", since=date(2021, 1, 1))

    def _place(
        self, code: str, parent: str | None, *, since: date = date(2020, 1, 1), to: date | None = None
    ) -> None:
        OrganisationPlacement.objects.create(
            organisation=self.units[code],
            parent=self.units[parent] if parent else None,
            valid=DateRange(since, to),
            recorded_at=THEN,
        )

    def ids(self, *codes: str) -> frozenset[int]:
        return frozenset(self.units[code].pk for code in codes)


@pytest.fixture
def tree() -> Tree:
    return Tree()


def _appoint(user: User, unit: Organisation, permissions: list[str], **dates: date) -> Assignment:
    role = Role.objects.create(code=f"role-{Role.objects.count()}", name="Role", permissions=permissions)
    return Assignment.objects.create(
        user=user,
        organisation=unit,
        role=role,
        valid=DateRange(dates.get("since", date(2020, 1, 1)), dates.get("to")),
        recorded_at=THEN,
    )


def test_a_role_reaches_the_whole_subtree_of_its_unit(tree) -> None:
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["north"], ["see_accounts"])
    scope = scope_of(user=ada, on_date=TODAY, permission=Permission.SEE_ACCOUNTS)
    assert scope.organisation_ids == tree.ids("north", "team")
    assert not scope.covers(tree.units["south"].pk)


def test_the_tree_is_read_as_of_the_date(tree) -> None:
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["south"], ["see_accounts"])
    then = scope_of(user=ada, on_date=date(2020, 6, 1), permission=Permission.SEE_ACCOUNTS)
    now = scope_of(user=ada, on_date=TODAY, permission=Permission.SEE_ACCOUNTS)
    assert then.organisation_ids == tree.ids("south", "team")
    assert now.organisation_ids == tree.ids("south")


def test_permissions_of_one_unit_do_not_leak_into_another(tree) -> None:
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["north"], ["see_accounts"])
    _appoint(ada, tree.units["south"], ["see_accounts", "see_money"])
    rights = rights_of(user=ada, on_date=TODAY)
    assert rights.scope(Permission.SEE_ACCOUNTS).organisation_ids == tree.ids("north", "south", "team")
    assert rights.scope(Permission.SEE_MONEY).organisation_ids == tree.ids("south")
    assert not rights.may(Permission.SEE_MONEY, tree.units["north"].pk)
    assert rights.scope(Permission.RUN_BILLING).organisation_ids == frozenset()


def test_the_utility_itself_reaches_everything(tree) -> None:
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["utility"], ["see_reports"])
    assert scope_of(user=ada, on_date=TODAY, permission=Permission.SEE_REPORTS).organisation_ids is None


@pytest.mark.parametrize(("since", "to"), [(date(2021, 6, 8), None), (date(2020, 1, 1), TODAY)])
def test_an_assignment_counts_on_its_dates_only(tree, since, to) -> None:
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["utility"], ["see_accounts"], since=since, to=to)
    assert rights_of(user=ada, on_date=TODAY).grants == ()


def test_a_superseded_assignment_does_not_count(tree) -> None:
    ada = User.objects.create_user("ada")
    appointed = _appoint(ada, tree.units["utility"], ["see_accounts"])
    Assignment.objects.filter(pk=appointed.pk).update(superseded_at=datetime(2021, 1, 1, tzinfo=UTC))
    assert rights_of(user=ada, on_date=TODAY).grants == ()


def test_an_inactive_person_has_no_rights_and_a_superuser_all(tree) -> None:
    ada = User.objects.create_user("ada", is_superuser=True)
    assert rights_of(user=ada, on_date=TODAY).grants == (EVERYTHING,)
    ada.is_active = False
    assert rights_of(user=ada, on_date=TODAY).grants == ()


def test_units_are_listed_parents_first_within_the_scope(tree) -> None:
    assert [(unit.code, unit.depth) for unit in list_units(scope=EVERYTHING, on_date=TODAY)] == [
        ("utility", 0),
        ("north", 1),
        ("team", 2),
        ("south", 1),
    ]
    ada = User.objects.create_user("ada")
    _appoint(ada, tree.units["north"], ["see_accounts"])
    scope = scope_of(user=ada, on_date=TODAY, permission=Permission.SEE_ACCOUNTS)
    assert [(unit.code, unit.depth) for unit in list_units(scope=scope, on_date=TODAY)] == [
        ("north", 0),
        ("team", 1),
    ]


def test_the_path_leads_from_the_top(tree) -> None:
    found = path_of(organisation_id=tree.units["team"].pk, on_date=TODAY)
    assert [name for _id, name in found] == ["Utility", "North", "Team"]
