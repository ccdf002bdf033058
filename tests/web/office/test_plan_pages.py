"""Instalment plans in the browser: preview, agree, list, export, print, restructure, cancel; within one's district."""

from datetime import date

import polars as pl
import pytest

from mains.base.columns import fetch_frame
from mains.debt.actions.plans import propose_plan
from mains.debt.models import InstalmentPlan
from mains.debt.queries.plan_drafts import Wanted
from mains.debt.values import PlanKind
from mains.staff.models import Proposal
from plan_cast import at, state_terms

OWING = """
    SELECT a.number, o.code FROM customers_account a JOIN staff_organisation o ON o.id = a.organisation_id
    WHERE EXISTS (
        SELECT FROM ledger_entry e
        LEFT JOIN (SELECT item_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1) c ON c.item_id = e.id
        WHERE e.account_id = a.id AND e.amount_minor > 10000 + coalesce(c.minor, 0) AND e.due_date < '2021-06-01'
    ) AND o.code LIKE %(unit)s ORDER BY a.id LIMIT 1
"""
TOLD = {"kind": "ordinary", "start": "2021-06-07", "first": "2021-07-10", "count": "3", "reason": "Asked for"}


@pytest.fixture
def clerk(own_office):
    client = own_office.sign_in("accountant")
    client.cookies["django_language"] = "en"
    return client


def owing(unit: str = "%") -> str:
    found = fetch_frame(OWING, {"unit": unit}, schema={"number": pl.String, "code": pl.String})
    return str(found["number"][0])


def debts_of(number: str) -> list[str]:
    found = fetch_frame(
        """
        SELECT e.id FROM ledger_entry e JOIN customers_account a ON a.id = e.account_id
        LEFT JOIN (SELECT item_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1) c ON c.item_id = e.id
        WHERE a.number = %(number)s AND e.amount_minor > coalesce(c.minor, 0) AND e.amount_minor > 0
        """,
        {"number": number},
        schema={"id": pl.Int64},
    )
    return [str(one) for one in found["id"].to_list()]


def test_a_plan_is_previewed_agreed_listed_printed_and_cancelled(clerk, own_office) -> None:
    state_terms()
    number = owing()
    page = f"/accounts/{number}/plan/"
    assert "First instalment due" in clerk.get(page).content.decode()
    told = TOLD | {"debts": debts_of(number)}
    shown = clerk.post(page, told | {"preview": "1"}).content.decode()
    assert "3 instalments: debt" in shown
    assert not InstalmentPlan.objects.exists(), "a preview keeps nothing"
    assert clerk.post(page, told | {"agree": "1"}).status_code == 302
    plan = InstalmentPlan.objects.get()
    for address in (f"/accounts/{number}/debts/", f"/plans/{plan.pk}/"):
        assert "0 % of " in clerk.get(address).content.decode()
    assert number in clerk.get("/plans/?state=running").content.decode()
    assert clerk.get("/plans/").headers["Location"] == "/plans/?state=running", "filters are remembered"
    assert number not in clerk.get("/plans/?state=broken").content.decode()
    rows = clerk.get("/plans/plans.csv").content.decode().splitlines()
    assert rows[1].startswith(f"{plan.pk},{number},")
    assert clerk.get(f"/plans/{plan.pk}/agreement.pdf").content.startswith(b"%PDF")
    assert "does not hold" not in clerk.get(f"{page}?replaces={plan.pk}").content.decode()
    refused = clerk.post(f"/plans/{plan.pk}/cancel/", {"reason": ""}, follow=True).content.decode()
    assert "A plan is cancelled with a reason" in refused
    gone = clerk.post(f"/plans/{plan.pk}/cancel/", {"reason": "Moved"}, follow=True).content.decode()
    assert "The plan is cancelled." in gone


def test_a_plan_above_the_limit_waits_for_a_colleague(clerk, own_office) -> None:
    state_terms(above=1)
    number = owing()
    answer = clerk.post(
        f"/accounts/{number}/plan/", TOLD | {"debts": debts_of(number), "agree": "1"}, follow=True
    )
    assert "A colleague who may approve it decides." in answer.content.decode()
    plan = InstalmentPlan.objects.get()
    assert f"/plans/{plan.pk}/" in clerk.get("/proposals/").content.decode()
    proposal = Proposal.objects.get(kind="instalment_plan")
    decision = f"/proposals/{proposal.pk}/decide/"
    assert "themselves" in clerk.post(decision, {"decision": "agree"}, follow=True).content.decode()
    own_office.sign_in("administrator").post(decision, {"decision": "agree"})
    assert "On schedule" in clerk.get(f"/plans/{plan.pk}/").content.decode()


def test_what_cannot_be_agreed_says_why(clerk) -> None:
    state_terms(PlanKind.FIXED)
    number = owing()
    told = TOLD | {"debts": debts_of(number), "preview": "1"}
    assert "No terms are stated" in clerk.post(f"/accounts/{number}/plan/", told).content.decode()
    fixed = clerk.post(f"/accounts/{number}/plan/", told | {"kind": "fixed"}).content.decode()
    assert "a fixed payment has an amount" in fixed


def test_plans_of_another_district_are_not_found(clerk, own_office) -> None:
    state_terms()
    foreign = owing("PES-N%")
    account = fetch_frame(
        "SELECT id FROM customers_account WHERE number = %(number)s",
        {"number": foreign},
        schema={"id": pl.Int64},
    )
    plan = propose_plan(
        wanted=Wanted(
            account_id=int(account["id"][0]),
            kind=PlanKind.ORDINARY,
            start_date=date(2021, 6, 7),
            first_due=date(2021, 7, 10),
            count=2,
            item_ids=tuple(int(one) for one in debts_of(foreign)),
        ),
        reason="Asked for",
        now=at(date(2021, 6, 7)),
        actor_id=None,
    )
    stranger = own_office.sign_in("supervisor_central")
    for address in (f"/plans/{plan.pk}/", f"/plans/{plan.pk}/agreement.pdf"):
        assert stranger.get(address).status_code == 404
        assert clerk.get(address).status_code == 200
    assert foreign not in stranger.get("/plans/").content.decode()
    assert foreign not in stranger.get("/plans/plans.csv").content.decode()
