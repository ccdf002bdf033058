"""State how many months one bill covers, of an account or of a class."""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import models, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from mains.base.dated import record_fact
from mains.customers.queries.records import AccountRecord
from mains.customers.values import Category
from mains.invoicing.actions.deferring import defer_bills
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import AccountInterval, ClassInterval, GroupMember, SharePlan
from mains.invoicing.queries.advances import supplies_of_account
from mains.invoicing.queries.intervals import open_month
from mains.invoicing.values import MAX_INTERVAL, months_after

_MAX_MINOR = 10**15


@transaction.atomic
def state_account_interval(
    *,
    account: AccountRecord,
    months: int,
    valid_from: date,
    closes_in: date | None = None,
    instalments: Mapping[str, int] | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """Let one invoice cover `months` of the account's bills from a day on; 1: every month's bill is asked for again.

    The first invoice is for `closes_in`, or for the month that ends the first span. `instalments`, minor units by
    service, are asked for in advance for each month in between. Raises UnableToInvoice: a month that is billed already,
    an account whose bills are shared or invoiced with others, no such service; UnableToRecordFact.
    """
    place = f"account {account.number}"
    amounts = dict(instalments or {})
    _check(place, months=months, valid_from=valid_from, now=now)
    from_then = {
        "account_id": account.id,
        "superseded_at": None,
        "valid__overlap": DateRange(valid_from, None),
    }
    if months > 1 and GroupMember.objects.filter(**from_then).exists():
        raise _refusal(
            place,
            "interval-group",
            "This account's bills are on collective invoices.",
            "Take it out of the group first.",
        )
    if months > 1 and any(plan.shares for plan in SharePlan.objects.filter(**from_then)):
        raise _refusal(
            place,
            "interval-shared",
            "This account's bills are shared among payers.",
            "End the shares first: payers get an invoice for every bill.",
        )
    supplied = supplies_of_account(account_id=account.id, on_date=valid_from)
    if any(service not in supplied or not 0 < minor <= _MAX_MINOR for service, minor in amounts.items()):
        raise _refusal(
            place,
            "interval-instalment",
            "An instalment is an amount above nothing for a service that the account pays for.",
            "Choose one of the services of its agreements, and state an amount.",
            field="instalment",
        )
    if amounts and months == 1:
        raise _refusal(
            place,
            "interval-no-between",
            "There are no instalments between monthly bills.",
            "Leave the instalment out, or choose more months.",
            field="instalment",
        )
    defer_bills(now=now)  # what is posted so far goes by what held so far
    record_fact(
        model=AccountInterval,
        subject={"account_id": account.id},
        values={
            "months": months,
            "closes_in": _closes_in(closes_in, months, valid_from),
            "instalments": [
                {"service": service, "amount_minor": minor} for service, minor in sorted(amounts.items())
            ],
        },
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof[:200],
    )


@transaction.atomic
def state_class_interval(
    *,
    category: str,
    months: int,
    valid_from: date,
    closes_in: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """Let one invoice cover `months` of the bills of all accounts of a class that choose nothing themselves.

    Accounts on collective invoices and with shared bills stay as they are. Raises UnableToInvoice, UnableToRecordFact.
    """
    place = f"class {category}"
    if category not in Category.values:
        raise _refusal(
            place, "interval-class", "There is no such class.", "Choose one of the classes.", field="category"
        )
    _check(place, months=months, valid_from=valid_from, now=now)
    defer_bills(now=now)
    record_fact(
        model=ClassInterval,
        subject={"category": category},
        values={"months": months, "closes_in": _closes_in(closes_in, months, valid_from)},
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof[:200],
    )


def _check(place: str, *, months: int, valid_from: date, now: datetime) -> None:
    if not 1 <= months <= MAX_INTERVAL:
        raise _refusal(
            place,
            "interval-months",
            f"A bill covers 1 to {MAX_INTERVAL} months.",
            "State such a number.",
            field="months",
        )
    first = open_month(today=now.date())
    if valid_from < first:
        raise UnableToInvoice(
            code="interval-billed",
            message=f"Months before {first:%Y-%m} are billed and asked for already.",
            place=place,
            remedy="Choose a day of the first month that is not billed, or a later one.",
            params={"month": f"{first:%Y-%m}", "field": "valid_from"},
        )


def _closes_in(stated: date | None, months: int, valid_from: date) -> date:
    return (stated or months_after(valid_from, months - 1)).replace(day=1)


def _refusal(place: str, code: str, message: str, remedy: str, *, field: str = "months") -> UnableToInvoice:
    return UnableToInvoice(code=code, message=message, place=place, remedy=remedy, params={"field": field})
