"""pain.001.001.09: transfers that the utility orders, by the rules of the SEPA credit transfer scheme (EPC132-08).

A batch in another currency than the euro is outside SEPA: names in any letters, accounts without IBAN, no TARGET days.
"""

from collections.abc import Sequence

from mains.integrations.payment_orders.checks import check_transfers
from mains.integrations.payment_orders.parts import Element, PainWriter
from mains.integrations.payment_orders.values import CreditTransfer, FileHead, TransferBatch


def write_credit_transfers(*, head: FileHead, batches: Sequence[TransferBatch]) -> bytes:
    """The file in UTF-8; the same orders give the same bytes. Raises UnableToWritePaymentOrders."""
    check_transfers(head, batches)
    xml = PainWriter(message="pain.001.001.09", is_sepa=all(batch.currency == "EUR" for batch in batches))
    body = xml.group(xml.root, "CstmrCdtTrfInitn")
    xml.head(body, head, [each.amount_minor for batch in batches for each in batch.transfers])
    for batch in batches:
        _batch(xml, body, batch)
    return xml.content()


def _batch(xml: PainWriter, body: Element, batch: TransferBatch) -> None:
    group = xml.group(body, "PmtInf")
    xml.text(group, "PmtInfId", batch.identifier)
    xml.text(group, "PmtMtd", "TRF")
    xml.text(group, "BtchBookg", "true" if batch.is_one_booking else "false")
    xml.sums(group, [each.amount_minor for each in batch.transfers])
    if batch.currency == "EUR":
        xml.text(group, "PmtTpInf/SvcLvl/Cd", "SEPA")
    xml.text(group, "ReqdExctnDt/Dt", batch.execute_on.isoformat())
    xml.party(group, "Dbtr", batch.debtor)
    xml.account(group, "DbtrAcct", batch.debtor)
    xml.bank(group, "DbtrAgt", batch.debtor, needed=True)
    xml.text(group, "ChrgBr", "SLEV")
    for each in batch.transfers:
        _transfer(xml, group, each, batch.currency)


def _transfer(xml: PainWriter, group: Element, transfer: CreditTransfer, currency: str) -> None:
    inner = xml.group(group, "CdtTrfTxInf")
    xml.text(inner, "PmtId/EndToEndId", transfer.end_to_end_id)
    xml.amount(xml.group(inner, "Amt"), "InstdAmt", transfer.amount_minor, currency)
    xml.bank(inner, "CdtrAgt", transfer.creditor, needed=False)
    xml.party(inner, "Cdtr", transfer.creditor)
    xml.account(inner, "CdtrAcct", transfer.creditor)
    xml.text(inner, "Purp/Cd", transfer.purpose)
    xml.remittance(inner, transfer.reference)
