"""Receipts in suspense that name an invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from mains.base.columns import fetch_frame
from mains.kernel.invoice_numbers import find_invoice_numbers

_WAITING = """
    SELECT c.id, c.paid_on, c.amount_minor,
           concat_ws(' | ', c.account_number, c.reference, b.structured_reference, b.end_to_end_id, b.remittance)
    FROM payments_receipt c LEFT JOIN payments_banktransaction b ON b.id = c.bank_transaction_id
    WHERE c.account_id IS NULL AND c.amount_minor > 0
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
      AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = c.id)
      AND upper(concat_ws(' | ', c.account_number, c.reference, b.structured_reference, b.end_to_end_id,
                          b.remittance)) ~ '[CSAP]I[ -]?[0-9]{6}'
    ORDER BY c.paid_on, c.id
"""


@dataclass(frozen=True, kw_only=True)
class WaitingReceipt:
    """A receipt in suspense, with the one invoice that it names."""

    id: int
    paid_on: date
    amount_minor: int
    kind: str
    invoice_id: int


def list_waiting() -> list[WaitingReceipt]:
    """Receipts in suspense that name exactly one invoice, oldest first."""
    rows = fetch_frame(
        _WAITING,
        schema={"id": pl.Int64, "paid_on": pl.Date, "amount_minor": pl.Int64, "said": pl.String},
    )
    found = []
    for receipt_id, paid_on, minor, said in rows.iter_rows():
        named = find_invoice_numbers(said)
        if len(named) == 1:
            found.append(
                WaitingReceipt(
                    id=receipt_id,
                    paid_on=paid_on,
                    amount_minor=minor,
                    kind=named[0][0],
                    invoice_id=named[0][1],
                )
            )
    return found


def numbers_of_accounts(account_ids: Sequence[int]) -> dict[int, str]:
    """The number of each account."""
    found = fetch_frame(
        "SELECT id, number FROM customers_account WHERE id = ANY(%(ids)s)",
        {"ids": list(account_ids)},
        schema={"id": pl.Int64, "number": pl.String},
    )
    return dict(found.iter_rows())
