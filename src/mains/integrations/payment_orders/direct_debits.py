"""pain.008.001.08: collections by mandates, by the rules of the SEPA direct debit schemes (EPC130-08, EPC131-08)."""

from collections.abc import Sequence

from stdnum import iban

from mains.integrations.payment_orders.characters import sepa_text
from mains.integrations.payment_orders.checks import check_debits
from mains.integrations.payment_orders.parts import Element, PainWriter
from mains.integrations.payment_orders.values import Amendment, DebitBatch, DirectDebit, FileHead, Mandate

_EURO = "EUR"
_OTHER_BANK = "SMNDA"
"""Same mandate, new debtor agent."""


def write_direct_debits(*, head: FileHead, batches: Sequence[DebitBatch]) -> bytes:
    """The file in UTF-8; the same orders give the same bytes. Raises UnableToWritePaymentOrders."""
    check_debits(head, batches)
    xml = PainWriter(message="pain.008.001.08")
    body = xml.group(xml.root, "CstmrDrctDbtInitn")
    xml.head(body, head, [each.amount_minor for batch in batches for each in batch.debits])
    for batch in batches:
        _batch(xml, body, batch)
    return xml.content()


def _batch(xml: PainWriter, body: Element, batch: DebitBatch) -> None:
    group = xml.group(body, "PmtInf")
    xml.text(group, "PmtInfId", batch.identifier)
    xml.text(group, "PmtMtd", "DD")
    xml.text(group, "BtchBookg", "true" if batch.is_one_booking else "false")
    xml.sums(group, [each.amount_minor for each in batch.debits])
    kind = xml.group(group, "PmtTpInf")
    xml.text(kind, "SvcLvl/Cd", "SEPA")
    xml.text(kind, "LclInstrm/Cd", batch.instrument)
    xml.text(kind, "SeqTp", batch.sequence)
    xml.text(group, "ReqdColltnDt", batch.collect_on.isoformat())
    xml.party(group, "Cdtr", batch.creditor)
    xml.account(group, "CdtrAcct", batch.creditor)
    xml.bank(group, "CdtrAgt", batch.creditor, needed=True)
    xml.text(group, "ChrgBr", "SLEV")
    _creditor_id(xml, xml.group(group, "CdtrSchmeId"), batch.creditor_id)
    for each in batch.debits:
        _debit(xml, group, each)


def _creditor_id(xml: PainWriter, parent: Element, creditor_id: str) -> None:
    other = xml.group(parent, "Id", "PrvtId", "Othr")
    xml.text(other, "Id", creditor_id.replace(" ", "").upper())
    xml.text(other, "SchmeNm/Prtry", "SEPA")


def _debit(xml: PainWriter, group: Element, debit: DirectDebit) -> None:
    inner = xml.group(group, "DrctDbtTxInf")
    xml.text(inner, "PmtId/EndToEndId", debit.end_to_end_id)
    xml.amount(inner, "InstdAmt", debit.amount_minor, _EURO)
    _mandate(xml, xml.group(inner, "DrctDbtTx", "MndtRltdInf"), debit.mandate)
    xml.bank(inner, "DbtrAgt", debit.debtor, needed=True)
    xml.party(inner, "Dbtr", debit.debtor)
    xml.account(inner, "DbtrAcct", debit.debtor)
    xml.text(inner, "Purp/Cd", debit.purpose)
    xml.remittance(inner, debit.reference)


def _mandate(xml: PainWriter, parent: Element, mandate: Mandate) -> None:
    xml.text(parent, "MndtId", mandate.identifier)
    xml.text(parent, "DtOfSgntr", mandate.signed_on.isoformat())
    xml.text(parent, "AmdmntInd", "false" if mandate.amendment.is_empty else "true")
    if not mandate.amendment.is_empty:
        _amendment(xml, xml.group(parent, "AmdmntInfDtls"), mandate.amendment)


def _amendment(xml: PainWriter, parent: Element, amendment: Amendment) -> None:
    xml.text(parent, "OrgnlMndtId", amendment.original_mandate_id)
    if amendment.original_creditor_name or amendment.original_creditor_id:
        scheme = xml.group(parent, "OrgnlCdtrSchmeId")
        xml.text(scheme, "Nm", sepa_text(amendment.original_creditor_name))
        if amendment.original_creditor_id:
            _creditor_id(xml, scheme, amendment.original_creditor_id)
    if amendment.is_other_bank:
        xml.text(parent, "OrgnlDbtrAcct/Id/Othr/Id", _OTHER_BANK)
    elif amendment.original_iban:
        xml.text(parent, "OrgnlDbtrAcct/Id/IBAN", iban.compact(amendment.original_iban))
