"""The agreement of an instalment plan on paper, in the customer's language."""

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mains.base.columns import fetch_frame
from mains.base.formats import date_text, money_text
from mains.debt.queries.plans import PlanRecord, find_plan, list_plan_debts, list_plan_schedule
from mains.debt.values import PlanKind
from mains.kernel.errors import MainsError
from mains.ledger.values import EntryKind
from mains.network.values import Service
from mains.reporting.queries.bill_paper import spoken_language
from mains.reporting.queries.bill_paper.printed import Texts
from mains.reporting.queries.bill_paper.typeset import set_agreement
from mains.staff.values import EVERYTHING, Scope
from mains.tariffs.queries.records import currency_of_utility


class UnableToPrintPlan(MainsError):
    """There is no such plan."""


def plan_pdf(*, plan_id: int, today: date, scope: Scope = EVERYTHING, language: str | None = None) -> bytes:
    """The agreement (A4, PDF/UA-1): what is owed, the instalments with their sums, room for two signatures.

    In the customer's language when none is named. Raises UnableToPrintPlan: unknown or out of `scope`;
    UnableToPrintBill for a letter that no font prints.
    """
    plan = find_plan(plan_id=plan_id, scope=scope, today=today)
    if plan is None:
        raise UnableToPrintPlan(
            code="plan-unknown",
            message="There is no such plan.",
            place=f"plan {plan_id}",
            remedy="Look at the list.",
        )
    spoken = spoken_language(language or _language(plan.account_id))
    with translation.override(spoken):
        return set_agreement(plan_texts(plan, language=spoken))


def plan_texts(plan: PlanRecord, *, language: str) -> Texts:
    """What the template sets, in `language`, which must be the active one."""
    currency = currency_of_utility()
    schedule = list_plan_schedule(plan_id=plan.id)

    def money(minor: int) -> str:
        return money_text(minor, currency=currency, language=language)

    total = plan.debt_minor + plan.interest_minor
    return {
        "language": language.partition("-")[0],
        "title": _("Agreement on payment by instalments"),
        "number": str(plan.id),
        "head": [
            [_("Account"), plan.number],
            [_("Customer"), plan.customer_name],
            [_("Unit"), plan.organisation_name],
            [_("From"), date_text(plan.start_date, language=language)],
            [_("What"), str(PlanKind(plan.kind).label)],
            [_("Document"), plan.document or "—"],
        ],
        "labels": {
            "page": _("Page"),
            "debts": _("Debts that are covered"),
            "schedule": _("Instalments"),
            "note": _(
                "If an instalment is not paid within the days of grace, the agreement ends by itself and all that is"
                " left is due at once."
            ),
            "utility": _("For the utility"),
            "customer": _("Customer"),
        },
        "debts": [
            [_("Due"), _("What"), _("Amount")],
            *(
                [
                    date_text(one.due_date, language=language),
                    f"{EntryKind(one.kind).label}, {_service(one.service)}",
                    money(one.amount_minor),
                ]
                for one in list_plan_debts(plan_id=plan.id)
            ),
            [_("Sum"), "", money(plan.debt_minor)],
        ],
        "schedule": [
            [_("No."), _("Due"), _("Debt"), _("Interest"), _("To pay")],
            *_rows(schedule, money=money, language=language),
            [_("Sum"), "", money(plan.debt_minor), money(plan.interest_minor), money(total)],
        ],
        "sum": ngettext("%(count)s instalment", "%(count)s instalments", len(schedule))
        % {"count": len(schedule)},
    }


def _rows(
    schedule: Sequence[tuple[int, date, int, int]], *, money: Callable[[int], str], language: str
) -> list[list[str]]:
    return [
        [
            str(number) if number else _("Down payment"),
            date_text(due, language=language),
            money(principal),
            money(interest),
            money(principal + interest),
        ]
        for number, due, principal, interest in schedule
    ]


def _service(code: str) -> str:
    return str(Service(code).label) if code in Service.values else code


def _language(account_id: int) -> str:
    found = fetch_frame(
        """
        SELECT c.language FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id
        WHERE a.id = %(id)s
        """,
        {"id": account_id},
        schema={"language": pl.String},
    )
    return str(found.item())
