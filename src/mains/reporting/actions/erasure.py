"""Erasing a customer's personal data as far as the law lets go, with everything that was made of it."""

from datetime import datetime

from django.db import transaction

from mains.customers.actions.erasure import CONTACTS, IDENTITY, UnableToErase, erase_fields
from mains.customers.queries.records import list_account_ids_of_customer
from mains.payments.actions.learning import forget_payer
from mains.payments.queries.learned import list_learned_of_accounts
from mains.reporting.actions.search import refresh_accounts
from mains.reporting.queries.personal_data import find_erasable


def erase_personal_data(
    *, customer_id: int, reason: str, now: datetime, actor_id: int | None
) -> tuple[list[str], list[str]]:
    """Erase contacts, and the identity once the law lets it go: fields erased, and what was kept.

    The search index follows and learned payers are forgotten; the ledger and the books are never touched. Raises
    UnableToErase when nothing may be erased.
    """
    found = find_erasable(customer_id=customer_id, on_date=now.date())
    fields = [*(CONTACTS if found.contacts else ()), *(IDENTITY if found.identity else ())]
    if not fields:
        raise UnableToErase(
            code="erasure-kept",
            message="The law keeps everything that is left.",
            place="customer",
            remedy="Look at what is kept, and until when.",
        )
    kept = [f"{one.what}: {one.why}" for one in found.kept]
    accounts = list_account_ids_of_customer(customer_id=customer_id)
    with transaction.atomic():
        done = erase_fields(
            customer_id=customer_id, fields=fields, reason=reason, kept=kept, now=now, actor_id=actor_id
        )
        if found.identity:
            for learned_id in list_learned_of_accounts(account_ids=accounts):
                forget_payer(learned_id=learned_id, now=now, actor_id=actor_id)
    refresh_accounts(account_ids=accounts)
    return list(done.fields), kept
