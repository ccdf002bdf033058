"""VAT that falls due when an advance is paid, and is taken off what the bill owes when the bill uses it."""

from datetime import date, datetime

import polars as pl
from django.db import models, transaction

from mains.base.dated import record_fact
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import AdvanceVat
from mains.invoicing.queries.advance_vat import list_due_vat
from mains.invoicing.values import WHOLE_PPM
from mains.ledger.actions.allocation import lock_allocation
from mains.ledger.actions.days import hold_open_days
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.values import Control, TransactionKind


def state_advance_vat(
    *,
    provider_id: int,
    service: str,
    rate_ppm: int,
    valid_from: date,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> None:
    """State the rate of VAT of advance invoices that are issued from a day on, in millionths; nought: none.

    Invoices issued before keep theirs. Raises UnableToInvoice, UnableToRecordFact.
    """
    if not 0 <= rate_ppm < WHOLE_PPM:
        raise UnableToInvoice(
            code="vat-of-advance",
            message="A rate of VAT is at least nought and less than 100 percent.",
            place=f"service {service}",
            remedy="State it in percent, such as 19.",
            params={"field": "percent"},
        )
    record_fact(
        model=AdvanceVat,
        subject={"provider_id": provider_id, "service": service},
        values={"rate_ppm": rate_ppm},
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof[:200],
    )


def post_advance_vat(*, now: datetime) -> int:
    """Bring the VAT of advances in the ledger to what is left of each: due when it is paid, given up where a bill used
    it, because the bill has posted its whole VAT, or where it went back. How many advances changed; doing it again
    changes nothing."""
    with transaction.atomic():
        lock_allocation()
        due = list_due_vat()
        for row in due.iter_rows(named=True):
            minor = row["due_minor"] - row["posted_minor"]
            place = {name: row[name] for name in ("organisation_id", "provider_id", "service")}
            opened = hold_open_days(kind=TransactionKind.ADVANCE_TAX)
            post_transaction(
                kind=TransactionKind.ADVANCE_TAX,
                source_id=row["advance_id"],
                part=row["parts"],
                business_date=max(row["last_on"], opened or row["last_on"]),
                entries=pl.DataFrame(schema=ENTRY_SCHEMA),
                counterparts=pl.DataFrame(
                    [
                        place | {"control": Control.ADVANCE_TAX.value, "amount_minor": minor},
                        place | {"control": Control.TAX.value, "amount_minor": -minor},
                    ],
                    schema=POSTING_SCHEMA,
                ),
                now=now,
                narrative=f"VAT of advance {row['advance_id']}",
            )
    return due.height
