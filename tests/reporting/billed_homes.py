"""Sixty-one homes billed for March, April and May 2021, with a debtor, a payer and one whom we owe.

The homes and their oddities are those of tests/billing/population.py.
"""

from datetime import UTC, date, datetime

import polars as pl

from mains.base.dated import record_fact
from mains.billing.actions.runs import plan_run, post_run
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, EntryKind, TransactionKind
from mains.network.models import PremiseState
from template_databases import filled

HOMES = 61
MARCH, APRIL, MAY = date(2021, 3, 1), date(2021, 4, 1), date(2021, 5, 1)
PAID_MINOR = 10_000
"""What home 1 pays on 20 April."""
UNMETERED_HOME = 24
"""Has nine residents since 16 March, which is learnt on 20 April."""
CREDIT_MINOR = 9_000_000
"""What home 2 brought forward: far more than it will use."""


def billed_homes(populated: str) -> str:
    """The name of a template database: a copy of `populated`, which has as many homes, billed."""
    return filled("billed_homes", _bill_homes, template=populated)[0]


def _bill_homes() -> None:
    """Bring balances forward, bill March, take a payment, bill April and May."""
    _post(
        TransactionKind.OPENING, EntryKind.OPENING, home=2, amount_minor=-CREDIT_MINOR, on=date(2021, 2, 28)
    )
    _bill(MARCH, datetime(2021, 4, 4, tzinfo=UTC), due_on=date(2021, 4, 20))
    _post(
        TransactionKind.PAYMENT_REGISTER,
        EntryKind.PAYMENT,
        home=1,
        amount_minor=-PAID_MINOR,
        on=date(2021, 4, 20),
    )
    record_fact(
        model=PremiseState,
        subject={"premise_id": UNMETERED_HOME},
        values=_state(UNMETERED_HOME) | {"residents": 9},
        valid_from=date(2021, 3, 16),
        actor=None,
        now=datetime(2021, 4, 20, tzinfo=UTC),
    )
    _bill(APRIL, datetime(2021, 5, 4, tzinfo=UTC), due_on=date(2021, 5, 20))
    _bill(MAY, datetime(2021, 6, 4, tzinfo=UTC), due_on=date(2021, 6, 20))


def _state(home: int) -> dict[str, object]:
    state = PremiseState.objects.get(premise_id=home, superseded_at=None)
    names = ("residents", "rooms", "floor_area_m2_micro", "heated_area_m2_micro", "storey_height_mm")
    return {name: getattr(state, name) for name in (*names, "location", "cooker", "meter_possible")}


def _bill(month: date, now: datetime, *, due_on: date) -> None:
    run = plan_run(month=month, now=now, issued_on=now.date(), due_on=due_on)
    post_run(run_id=run.pk, now=now, processes=1)


def _post(kind: TransactionKind, entry: EntryKind, *, home: int, amount_minor: int, on: date) -> None:
    place = {"organisation_id": 2 + home % 2, "provider_id": 1, "service": "electricity"}
    other = Control.OPENING if kind == TransactionKind.OPENING else Control.BANK
    entries = [
        place
        | {
            "account_id": home,
            "kind": entry.value,
            "amount_minor": amount_minor,
            "correction_minor": 0,
            "due_date": None,
            "document_id": home,
        }
    ]
    counterparts = [place | {"control": other.value, "amount_minor": -amount_minor}]
    post_transaction(
        kind=kind,
        source_id=home,
        business_date=on,
        entries=pl.DataFrame(entries, schema=ENTRY_SCHEMA),
        counterparts=pl.DataFrame(counterparts, schema=POSTING_SCHEMA),
        now=datetime(on.year, on.month, on.day, 12, tzinfo=UTC),
    )
