"""Which accounts one customer pays together, by date."""

import re
from datetime import date, datetime

from django.db import IntegrityError, models, transaction

from mains.base.dated import record_fact, withdraw_facts
from mains.customers.queries.records import AccountRecord
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import GroupMember, InvoiceGroup, SharePlan
from mains.invoicing.queries.groups import GroupRecord, get_group
from mains.invoicing.queries.intervals import is_deferred

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}", re.ASCII)


def create_group(
    *, code: str, name: str, payer: AccountRecord, actor: models.Model | None, now: datetime
) -> GroupRecord:
    """Begin a group that the customer of `payer` pays for, in that account's unit. Raises UnableToInvoice."""
    code, name = code.strip(), " ".join(name.split())
    if not _CODE.fullmatch(code) or not name or len(name) > 200:
        raise UnableToInvoice(
            code="group-name",
            message="A group has a code of letters, digits and hyphens, and a name.",
            place=f"group {code}",
            remedy="Write a code of at most 30 characters and a name of at most 200.",
            params={"field": "code"},
        )
    try:
        with transaction.atomic():
            group = InvoiceGroup.objects.create(
                code=code,
                name=name,
                customer_id=payer.customer_id,
                organisation_id=payer.organisation_id,
                created_at=now,
                created_by_id=actor.pk if actor else None,
            )
    except IntegrityError as error:
        raise UnableToInvoice(
            code="group-exists",
            message=f"There is a group {code} already.",
            place=f"group {code}",
            remedy="Choose another code.",
            params={"field": "code"},
        ) from error
    return get_group(group_id=group.pk)


def add_member(
    *,
    group: GroupRecord,
    account: AccountRecord,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """Put an account's bills on the group's invoices: those of the months whose last day lies within the dates.

    It leaves any other group for these dates. Raises UnableToInvoice, UnableToRecordFact.
    """
    plans = SharePlan.objects.filter(account_id=account.id, superseded_at=None)
    if any(plan.shares for plan in plans):
        raise UnableToInvoice(
            code="group-shared",
            message="This account's bills are shared among payers.",
            place=f"account {account.number}",
            remedy="End the shares first: a bill is on one collective invoice, or it is shared.",
            params={"field": "account"},
        )
    if is_deferred(account_id=account.id, valid_from=valid_from, valid_to=valid_to):
        raise UnableToInvoice(
            code="group-interval",
            message="This account gets one invoice for several months.",
            place=f"account {account.number}",
            remedy="Let it be billed every month first.",
            params={"field": "account"},
        )
    record_fact(
        model=GroupMember,
        subject={"account_id": account.id},
        values={"group_id": group.id},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof[:200],
    )


def remove_member(*, account: AccountRecord, valid_from: date, now: datetime) -> None:
    """Let an account's bills of months that end on the day or later be on no collective invoice.

    Raises UnableToInvoice.
    """
    touched = withdraw_facts(
        model=GroupMember, subject={"account_id": account.id}, valid_from=valid_from, now=now
    )
    if not touched:
        raise UnableToInvoice(
            code="group-not-member",
            message="This account is in no group then.",
            place=f"account {account.number}",
            remedy="Look at the members of the group.",
            params={"field": "account"},
        )
