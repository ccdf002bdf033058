"""What roles may do: new permissions reach the roles of old databases, and none is left that nobody holds."""

from importlib import import_module

import pytest
from django.apps import apps

from mains.config.checkup import State, check_rights
from mains.staff.actions.registry import UnableToChangeRole, grant_permission
from mains.staff.models import Role
from mains.staff.queries.roles import list_roles, list_unheld_permissions
from mains.staff.values import Permission

pytestmark = pytest.mark.django_db

MIGRATIONS = (
    "0003_tariff_permissions",
    "0004_close_books",
    "0005_cash_desks",
    "0007_money_permissions",
    "0008_settle",
    "0012_protection_permissions",
)
# The roles as the packs of the first release had them.
OLD = {
    "administrator": [
        *("see_accounts", "see_money", "record_readings", "run_billing", "import_payments", "see_reports"),
        "administer",
    ],
    "accountant": ["see_accounts", "see_money", "run_billing", "import_payments", "see_reports"],
    "tariff_specialist": ["see_accounts", "see_money", "run_billing", "see_reports"],
    "supervisor": ["see_accounts", "see_money", "record_readings", "see_reports"],
    "cashier": ["see_accounts", "see_money", "import_payments"],
}


@pytest.fixture
def old_roles():
    for code, permissions in OLD.items():
        Role.objects.create(code=code, name=code, permissions=permissions)


def give_all() -> None:
    for name in MIGRATIONS:
        import_module(f"mains.staff.migrations.{name}").give(apps, None)


def added() -> dict[str, list[str]]:
    return {role.code: role.permissions[len(OLD[role.code]) :] for role in Role.objects.order_by("pk")}


def test_old_roles_get_the_permissions_that_fit_them(old_roles) -> None:
    give_all()
    assert added() == {
        "administrator": [
            *("see_tariff_drafts", "draft_tariffs", "publish_tariffs", "close_books"),
            *("take_payments", "supervise_desks"),
            *("propose_money", "approve_money", "settle"),
            *("see_names", "see_contacts", "see_looks", "handle_personal_data", "see_audit"),
        ],
        "accountant": [
            *("see_tariff_drafts", "publish_tariffs", "close_books", "supervise_desks"),
            *("propose_money", "approve_money", "settle", "see_names", "see_contacts"),
        ],
        "tariff_specialist": ["see_tariff_drafts", "draft_tariffs", "see_names", "see_contacts"],
        "supervisor": ["supervise_desks", "see_names", "see_contacts"],
        "cashier": ["take_payments", "see_names"],
    }
    assert list_unheld_permissions() == []
    give_all()
    assert len(added()["administrator"]) == 14, "a second time changes nothing"


def test_where_people_decided_already_nothing_is_touched(old_roles) -> None:
    Role.objects.create(code="reader", name="Reader", permissions=["see_tariff_drafts"])
    Role.objects.create(code="closer", name="Closer", permissions=["close_books", "approve_money"])
    Role.objects.create(code="teller", name="Teller", permissions=["take_payments"])
    Role.objects.create(code="settler", name="Settler", permissions=["settle"])
    Role.objects.create(code="guard", name="Guard", permissions=["see_names"])
    before = {role.code: role.permissions for role in Role.objects.all()}
    give_all()
    assert {role.code: role.permissions for role in Role.objects.all()} == before


def test_a_database_without_roles_has_nothing_to_say() -> None:
    give_all()
    assert list_roles() == []
    assert list_unheld_permissions() == []


def test_the_check_names_what_no_role_may_and_granting_mends_it(old_roles) -> None:
    found = check_rights()
    assert found.state is State.WARNING
    missing = (
        *("take_payments", "supervise_desks", "close_books", "settle", "propose_money", "approve_money"),
        *("see_tariff_drafts", "draft_tariffs", "publish_tariffs"),
        *("see_names", "see_contacts", "see_looks", "handle_personal_data", "see_audit"),
    )
    assert found.detail == f"no role may: {', '.join(missing)}"
    for permission in missing:
        grant_permission(role_code="supervisor", permission=permission)
    assert check_rights().state is State.GOOD
    grant_permission(role_code="supervisor", permission="draft_tariffs")
    (supervisor,) = (role for role in list_roles() if role.code == "supervisor")
    assert supervisor.permissions == tuple(
        each for each in Permission.values if each in {*OLD["supervisor"], *added()["supervisor"]}
    )


@pytest.mark.parametrize(
    ("role", "permission", "code"),
    [("pilot", "run_billing", "role-unknown"), ("cashier", "fly", "permission-unknown")],
)
def test_an_unknown_role_or_permission_is_refused(old_roles, role, permission, code) -> None:
    with pytest.raises(UnableToChangeRole) as refused:
        grant_permission(role_code=role, permission=permission)
    assert refused.value.code == code
    assert "Choose one of" in refused.value.remedy
