"""Erasing what a customer is known by. What the law keeps stays where it is, and is named."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mains.customers.models import Customer, Erasure
from mains.kernel.errors import MainsError

ERASED_NAME = "—"
CONTACTS, IDENTITY = ("phone", "email"), ("name", "tax_number")


class UnableToErase(MainsError):
    """The law or an open account keeps it, or there is nothing left to erase; nothing was changed."""


@transaction.atomic
def erase_fields(
    *,
    customer_id: int,
    fields: Sequence[str],
    reason: str,
    kept: Sequence[str],
    now: datetime,
    actor_id: int | None,
) -> Erasure:
    """Empty some of the customer's fields and keep that it was done, why, and what was kept by law; never the values.

    Raises UnableToErase.
    """
    customer = Customer.objects.select_for_update().filter(pk=customer_id).first()
    left = [name for name in fields if customer and getattr(customer, name) not in ("", ERASED_NAME)]
    if customer is None or not left:
        raise UnableToErase(
            code="nothing-to-erase",
            message="There is nothing left to erase.",
            place="customer",
            remedy="Look at what is held.",
        )
    reason = " ".join(reason.split())
    if not reason or len(reason) > 200:
        raise UnableToErase(
            code="erasure-reason",
            message="An erasure needs a reason of at most 200 characters.",
            place="reason",
            remedy="Name the customer's request and its date.",
        )
    for name in left:
        setattr(customer, name, ERASED_NAME if name == "name" else "")
    customer.save(update_fields=left)
    return Erasure.objects.create(
        customer=customer, fields=left, reason=reason, kept=list(kept), erased_at=now, erased_by_id=actor_id
    )
