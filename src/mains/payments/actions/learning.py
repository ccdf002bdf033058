"""Payers are learned from money that a person identified, and forgotten when a person says so."""

from datetime import datetime

from mains.payments.models import BankTransaction, LearnedPayer, Receipt
from mains.payments.values import PayerKind
from mains.payments.values.payers import payer_key


def learn_payer(*, receipt: Receipt, account_id: int, now: datetime, actor_id: int | None = None) -> int:
    """Remember the payer's bank account and name for this account; how many of the two are new."""
    line = (
        BankTransaction.objects.filter(pk=receipt.bank_transaction_id).first()
        if receipt.bank_transaction_id
        else None
    )
    said = {
        PayerKind.ACCOUNT: line.payer_account if line else "",
        PayerKind.NAME: line.payer_name if line else receipt.payer,
    }
    learned = 0
    for kind, text in said.items():
        key = payer_key(kind=kind, text=text)
        if not key:
            continue
        _, is_new = LearnedPayer.objects.get_or_create(
            kind=kind,
            key=key,
            account_id=account_id,
            removed_at=None,
            defaults={
                "shown": text[:200],
                "receipt": receipt,
                "recorded_at": now,
                "recorded_by_id": actor_id,
            },
        )
        learned += is_new
    return learned


def forget_payer(*, learned_id: int, now: datetime, actor_id: int | None = None) -> bool:
    """Stop using a learned payer; False when it is unknown or was removed before."""
    removed = LearnedPayer.objects.filter(pk=learned_id, removed_at__isnull=True).update(
        removed_at=now, removed_by_id=actor_id
    )
    return removed == 1
