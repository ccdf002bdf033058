"""Record that a customer acknowledged debts in writing, which starts their limitation anew."""

from datetime import date, datetime

from django.db import models

from mains.base.columns import fetch_frame
from mains.base.dated import withdraw_fact
from mains.customers.queries.records import AccountRecord
from mains.debt.models import Acknowledgement, AcknowledgementWithdrawal
from mains.kernel.errors import MainsError
from mains.network.values import Service

_DOCUMENT_MAX = 200


class UnableToAcknowledge(MainsError):
    """The acknowledgement is of no debt, of a day to come, or without its document; nothing was kept."""


def record_acknowledgement(
    *,
    account: AccountRecord,
    acknowledged_on: date,
    document: str,
    item_id: int | None = None,
    service: str = "",
    today: date,
    actor: models.Model | None,
    now: datetime,
) -> Acknowledgement:
    """Record an acknowledgement of one debt of the account, or of all that were due on its day.

    It starts the limitation of these debts anew where the rule lets anything do so, unless the time was up. Raises
    UnableToAcknowledge.
    """
    document = " ".join(document.split())
    place = f"account {account.number}"
    if not document or len(document) > _DOCUMENT_MAX:
        raise _refusal(
            place, "document", "An acknowledgement needs its document.", "Give number and date of the letter."
        )
    if acknowledged_on > today:
        raise _refusal(
            place,
            "acknowledged_on",
            "The day of the acknowledgement is still to come.",
            "Give the day of the letter.",
        )
    if service and service not in Service.values:
        raise _refusal(place, "service", "There is no such service.", "Choose one of the services, or all.")
    if not _has_debt(account.id, item_id, service, acknowledged_on):
        raise _refusal(
            place,
            "debt",
            "The account had no such debt that was due on this day.",
            "Choose one of its debts, or a later day.",
        )
    return Acknowledgement.objects.create(
        account_id=account.id,
        item_id=item_id,
        service=service,
        acknowledged_on=acknowledged_on,
        document=document,
        recorded_at=now,
        recorded_by_id=actor.pk if actor else None,
        proof=document,
    )


def withdraw_acknowledgement(
    *,
    acknowledgement_id: int,
    account_id: int,
    reason: str,
    actor: models.Model | None,
    now: datetime,
) -> None:
    """Stop believing an acknowledgement of the account. Raises UnableToWithdrawFact; UnableToAcknowledge when it is
    another account's."""
    if not Acknowledgement.objects.filter(pk=acknowledgement_id, account_id=account_id).exists():
        raise _refusal(
            f"acknowledgement {acknowledgement_id}",
            "debt",
            "The account has no such acknowledgement.",
            "Look at the list of the account.",
        )
    withdraw_fact(
        model=Acknowledgement,
        fact_id=acknowledgement_id,
        withdrawal=AcknowledgementWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def _has_debt(account_id: int, item_id: int | None, service: str, day: date) -> bool:
    found = fetch_frame(
        """
        SELECT id FROM ledger_entry
        WHERE account_id = %(account)s AND amount_minor > 0 AND coalesce(due_date, business_date) <= %(day)s
          AND (%(item)s::bigint IS NULL OR id = %(item)s) AND (%(service)s = '' OR service = %(service)s) LIMIT 1
        """,
        {"account": account_id, "item": item_id, "service": service, "day": day},
        schema={},
    )
    return found.height > 0


def _refusal(place: str, field: str, message: str, remedy: str) -> UnableToAcknowledge:
    return UnableToAcknowledge(
        code="acknowledgement", message=message, place=place, remedy=remedy, params={"field": field}
    )
