"""Order an approved collection at the bank: one pain.008, kept with the collection; asked for again, the same bytes."""

from datetime import datetime
from itertools import groupby

from mains.directdebit.actions.collections import UnableToCollect, keep_file
from mains.directdebit.queries.collections import ItemRecord, find_collection, find_file, list_items
from mains.directdebit.queries.mandates import find_creditor
from mains.directdebit.values import CollectionState, Scheme
from mains.integrations.payment_orders.direct_debits import write_direct_debits
from mains.integrations.payment_orders.values import (
    Amendment,
    BankParty,
    DebitBatch,
    DirectDebit,
    FileHead,
    LocalInstrument,
    Mandate,
    SequenceType,
)
from mains.staff.values import EVERYTHING, Scope


def order_collection(
    *, collection_id: int, now: datetime, actor_id: int | None, scope: Scope = EVERYTHING
) -> tuple[str, bytes]:
    """Name and bytes of the file of an approved collection, written once. Raises UnableToCollect when it is not
    approved, UnableToWritePaymentOrders when a bank would refuse it."""
    found = find_collection(collection_id=collection_id, scope=scope)
    if found is None or found.state not in (CollectionState.APPROVED, CollectionState.FILED):
        raise UnableToCollect(
            code="collection-not-approved",
            message="This collection is not approved.",
            place=f"collection {collection_id}",
            remedy="Ask a colleague to decide it.",
        )
    kept = find_file(collection_id=collection_id)
    if kept is not None:
        return kept
    creditor = find_creditor(number=found.creditor_number, day=found.collect_on)
    assert creditor is not None, "A collection is proposed by the terms of its day."
    party = BankParty(name=creditor.name, iban=creditor.iban, bic=creditor.bic)
    identifier = f"DD-{collection_id}"
    items = sorted(list_items(collection_id=collection_id), key=lambda item: (item.batch, item.id))
    content = write_direct_debits(
        head=FileHead(identifier=identifier, created_at=now, initiator=creditor.name),
        batches=[
            DebitBatch(
                identifier=batch,
                creditor=party,
                creditor_id=creditor.creditor_id,
                collect_on=found.collect_on,
                sequence=SequenceType(of_batch[0].sequence),
                instrument=LocalInstrument(of_batch[0].scheme),
                debits=tuple(_debit(item) for item in of_batch),
            )
            for batch, group in groupby(items, key=lambda item: item.batch)
            if (of_batch := list(group))
        ],
    )
    return identifier, keep_file(
        collection_id=collection_id, identifier=identifier, content=content, now=now, actor_id=actor_id
    )


def _debit(item: ItemRecord) -> DirectDebit:
    return DirectDebit(
        end_to_end_id=item.end_to_end_id,
        amount_minor=item.amount_minor,
        debtor=BankParty(name=item.debtor_name, iban=item.iban, bic=item.bic),
        mandate=Mandate(identifier=item.mandate, signed_on=item.signed_on, amendment=_amendment(item)),
        reference=item.account_number,
    )


def _amendment(item: ItemRecord) -> Amendment:
    """Another account of the debtor: in the Core scheme the bank may be another one too, in B2B it may not."""
    if not item.changed_from:
        return Amendment()
    if item.scheme == Scheme.B2B:
        return Amendment(original_iban=item.changed_from)
    return Amendment(is_other_bank=True)
