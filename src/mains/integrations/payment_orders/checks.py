"""What banks refuse, said before a file is written; each with the place and the remedy."""

from collections.abc import Iterable, Sequence
from datetime import date

from stdnum import bic, iban
from stdnum.iso7064 import mod_97_10

from mains.base.target_days import is_target_day
from mains.integrations.payment_orders.characters import is_sepa_identifier, sepa_text
from mains.integrations.payment_orders.values import (
    BankParty,
    CreditTransfer,
    DebitBatch,
    DirectDebit,
    FileHead,
    LocalInstrument,
    Mandate,
    SequenceType,
    TransferBatch,
    UnableToWritePaymentOrders,
)

_IDENTIFIER, _NAME, _REFERENCE = 35, 70, 140
_LONG_NAME, _ACCOUNT = 140, 34
"""Outside SEPA, by the message itself."""
_MAX_MINOR = 99_999_999_999
"""999,999,999.99: the largest amount of the SEPA schemes."""
_EURO = "EUR"
_MANDATE_MONTHS = 36
"""A mandate that was not used so long is void (SEPA rulebooks, 4.1)."""


def check_transfers(head: FileHead, batches: Sequence[TransferBatch]) -> None:
    """Raises UnableToWritePaymentOrders."""
    _check_head(head, [batch.identifier for batch in batches])
    for batch in batches:
        is_sepa = batch.currency == _EURO
        _check_day(batch.execute_on, head.created_at.date(), batch.identifier, is_sepa=is_sepa)
        _check_party(batch.debtor, batch.identifier, is_sepa=is_sepa)
        _check_items(batch.identifier, [(each, each.creditor) for each in batch.transfers], is_sepa=is_sepa)


def check_debits(head: FileHead, batches: Sequence[DebitBatch]) -> None:
    """Raises UnableToWritePaymentOrders."""
    _check_head(head, [batch.identifier for batch in batches])
    for batch in batches:
        _check_day(batch.collect_on, head.created_at.date(), batch.identifier)
        _check_party(batch.creditor, batch.identifier)
        if not is_creditor_id(batch.creditor_id):
            raise _unable(
                batch.identifier,
                "creditor_id",
                f"{batch.creditor_id!r} is not a SEPA creditor identifier: its check digits do not fit.",
                "Copy it from the central bank's letter.",
            )
        _check_items(batch.identifier, [(each, each.debtor) for each in batch.debits])
        for debit in batch.debits:
            _check_mandate(debit.mandate, batch, debit.end_to_end_id)
        if batch.sequence == SequenceType.ONE_OFF:
            _check_unique([debit.mandate.identifier for debit in batch.debits], "mandate", batch.identifier)


def is_creditor_id(text: str) -> bool:
    """Whether the check digits of a SEPA creditor identifier fit: over country and national part, not the business code
    (EPC262-08)."""
    compact = text.replace(" ", "").upper()
    if not (
        8 <= len(compact) <= 35 and compact[:2].isalpha() and compact[2:4].isdigit() and compact.isalnum()
    ):
        return False
    return bool(mod_97_10.is_valid(compact[7:] + compact[:4]))


def _check_head(head: FileHead, batches: Sequence[str]) -> None:
    _check_identifier(head.identifier, "file", "identifier")
    if head.created_at.tzinfo is None:
        raise _unable("file", "created_at", "The instant has no time zone.", "Give it one.")
    if not batches:
        raise _unable("file", "batches", "There is nothing to pay.", "Leave the file out.")
    for identifier in batches:
        _check_identifier(identifier, "file", "batch")
    _check_unique(batches, "batch", "file")
    if not sepa_text(head.initiator):
        raise _unable("file", "initiator", "The sender's name is missing.", "Give the name of the utility.")


def _check_day(day: date, today: date, place: str, *, is_sepa: bool = True) -> None:
    """SEPA files come at most a year before, and never after, the day (banks' own limits are narrower)."""
    if not 0 <= (day - today).days <= 365:
        raise _unable(
            place, "day", f"{day} is past, or more than a year away.", "Choose a day from today on."
        )
    if is_sepa and not is_target_day(day):
        raise _unable(
            place,
            "day",
            f"{day} is a day on which TARGET is closed.",
            "Choose the next business day of the banks.",
        )


def _check_items(
    place: str, items: Sequence[tuple[CreditTransfer | DirectDebit, BankParty]], *, is_sepa: bool = True
) -> None:
    if not items:
        raise _unable(place, "batch", "The batch is empty.", "Leave it out.")
    for item, party in items:
        where = f"{place}, {item.end_to_end_id}"
        _check_identifier(item.end_to_end_id, where, "end_to_end_id")
        _check_party(party, where, is_sepa=is_sepa)
        if not 1 <= item.amount_minor <= _MAX_MINOR:
            raise _unable(
                where,
                "amount",
                f"The amount is {item.amount_minor} hundredths.",
                "It is from 0.01 to 999,999,999.99.",
            )
        if len(sepa_text(item.reference) if is_sepa else item.reference) > _REFERENCE:
            raise _unable(where, "reference", "The reference is longer than 140 letters.", "Shorten it.")
        if item.purpose and not (len(item.purpose) <= 4 and item.purpose.isalpha()):
            raise _unable(
                where, "purpose", f"{item.purpose!r} is not a code of purpose.", "Take one such as UBIL."
            )
    _check_unique([item.end_to_end_id for item, _party in items], "end_to_end_id", place)


def _check_party(party: BankParty, place: str, *, is_sepa: bool = True) -> None:
    name = sepa_text(party.name) if is_sepa else " ".join(party.name.split())
    if not name.strip(".") or len(name) > (_NAME if is_sepa else _LONG_NAME):
        raise (
            _unable(
                place,
                "name",
                f"{party.name!r} is no name of 1 to 70 Latin letters.",
                "Write it in Latin letters.",
            )
            if is_sepa
            else _unable(place, "name", f"{party.name!r} is no name of 1 to 140 letters.", "Shorten it.")
        )
    if not is_sepa and not party.iban:
        _check_national(party, place)
    elif not iban.is_valid(party.iban):
        raise _unable(
            place, "iban", f"{party.iban!r} is not an IBAN: its check digits do not fit.", "Copy it again."
        )
    if party.bic and not bic.is_valid(party.bic):
        raise _unable(place, "bic", f"{party.bic!r} is not a BIC.", "Copy it again, or leave it out.")


def _check_national(party: BankParty, place: str) -> None:
    """An account without an IBAN: its form by ISO 20022, and its bank named by a clearing system or a BIC. Check digits
    of the country are its owner's to know."""
    if not (party.account.isascii() and party.account.isalnum() and len(party.account) <= _ACCOUNT):
        raise _unable(
            place,
            "account",
            f"{party.account!r} is no account number of 1 to 34 letters and digits.",
            "Copy it again.",
        )
    if not party.bic and not (party.clearing_system and party.clearing_member):
        raise _unable(place, "bank", "The bank of the account is not named.", "Give its code.")


def _check_mandate(mandate: Mandate, batch: DebitBatch, debit: str) -> None:
    place = f"{batch.identifier}, {debit}, mandate {mandate.identifier}"
    _check_identifier(mandate.identifier, place, "mandate")
    if mandate.signed_on > batch.collect_on:
        raise _unable(place, "signed_on", "The mandate is signed after the collection.", "Correct the day.")
    amendment = mandate.amendment
    if batch.sequence in (SequenceType.FIRST, SequenceType.ONE_OFF):
        months = (batch.collect_on.year - mandate.signed_on.year) * 12
        months += batch.collect_on.month - mandate.signed_on.month
        if months > _MANDATE_MONTHS:
            raise _unable(
                place,
                "signed_on",
                "The mandate was not used for three years and is void.",
                "Ask for a new one.",
            )
    if batch.sequence == SequenceType.ONE_OFF and not amendment.is_empty:
        raise _unable(
            place, "amendment", "A mandate for one collection cannot be amended.", "Ask for a new one."
        )
    if amendment.original_iban and not iban.is_valid(amendment.original_iban):
        raise _unable(
            place, "original_iban", f"{amendment.original_iban!r} is not an IBAN.", "Copy it again."
        )
    if amendment.original_iban and amendment.is_other_bank:
        raise _unable(
            place,
            "amendment",
            "An account at another bank and the old IBAN are stated at once.",
            "State one of them.",
        )
    if amendment.original_creditor_id and not is_creditor_id(amendment.original_creditor_id):
        raise _unable(
            place,
            "original_creditor_id",
            "The old creditor identifier's check digits do not fit.",
            "Copy it again.",
        )
    if batch.instrument == LocalInstrument.B2B and amendment.is_other_bank:
        raise _unable(
            place, "amendment", "A B2B mandate does not move to another bank.", "Ask for a new one."
        )


def _check_identifier(text: str, place: str, field: str) -> None:
    if len(text) > _IDENTIFIER or not is_sepa_identifier(text):
        raise _unable(
            place,
            field,
            f"{text!r} is no identifier of 1 to 35 Latin letters.",
            "Letters, digits, no slash at an end.",
        )


def _check_unique(values: Iterable[str], field: str, place: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _unable(place, field, f"{value!r} stands there twice.", "Each is used once.")
        seen.add(value)


def _unable(place: str, field: str, message: str, remedy: str) -> UnableToWritePaymentOrders:
    return UnableToWritePaymentOrders(
        code=f"payment-order-{field.replace('_', '-')}",
        message=message,
        place=f"{place}, {field}",
        remedy=remedy,
        params={"field": field},
    )
