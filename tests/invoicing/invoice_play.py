"""The verbs of the invoice stories: accounts of the billed utility, money that names something, and sound books."""

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime

from mains.customers.queries.records import AccountRecord, find_account
from mains.invoicing.queries import invariants as invoice_invariants
from mains.ledger.queries import invariants as ledger_invariants
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.payments.models import Receipt
from mains.payments.queries import invariants as payment_invariants
from mains.staff.values import EVERYTHING
from money_cast import register_text

MAY, JUNE = date(2021, 5, 1), date(2021, 6, 1)
NOW = datetime(2021, 6, 10, 9, tzinfo=UTC)
_references = itertools.count(1)


def account(number: int) -> AccountRecord:
    found = find_account(number=str(number), scope=EVERYTHING, on_date=date(2021, 6, 1))
    assert found
    return found


def money_comes(reference: str, minor: int, *, on: str = "2021-06-09", now: datetime = NOW) -> int:
    """A payment register with one payment, which names an account or an invoice; the receipt's id."""
    text = register_text([(reference, on, f"{minor // 100}.{minor % 100:02d}", f"R{next(_references)}")])
    # The accounts of this utility have short numbers.
    mapping = replace(load_mapping("bank_csv"), account_pattern=re.compile(r"\d+"))
    register = stage_register(content=text.encode(), file_name="june.csv", mapping=mapping, now=now)
    assert register.status == "staged", register.faults
    accept_register(register_id=register.pk, now=now)
    return Receipt.objects.latest("pk").pk


def breaches() -> list[object]:
    return [
        *ledger_invariants.find_breaches(),
        *payment_invariants.find_breaches(),
        *invoice_invariants.find_breaches(),
    ]
