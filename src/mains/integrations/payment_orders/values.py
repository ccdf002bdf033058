"""What a file of payment orders says. Amounts are whole hundredths of the currency, above zero."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from mains.kernel.errors import MainsError


class UnableToWritePaymentOrders(MainsError):
    """A bank would refuse the file: something is missing, too long, wrong by its check digits, or too early."""


class SequenceType(StrEnum):
    """Which of a mandate's collections it is."""

    FIRST = "FRST"
    RECURRING = "RCUR"
    FINAL = "FNAL"
    ONE_OFF = "OOFF"


class LocalInstrument(StrEnum):
    """The scheme of SEPA direct debits: for consumers, or between firms."""

    CORE = "CORE"
    B2B = "B2B"


@dataclass(frozen=True, kw_only=True)
class BankParty:
    """Who pays or is paid, with the account. `bic` may be left out: the bank finds it by the IBAN.

    Where a country has no IBANs, outside SEPA, `account` is the number at the bank and `clearing_member` names the bank
    in `clearing_system` (an external code of ISO 20022, such as RUCBC for the BIK).
    """

    name: str
    iban: str = ""
    bic: str = ""
    country: str = ""
    account: str = ""
    clearing_system: str = ""
    clearing_member: str = ""


@dataclass(frozen=True, kw_only=True)
class CreditTransfer:
    """Money to one creditor. `end_to_end_id` is unique in the batch.

    `reference` is what the creditor reads: free words, or a creditor reference of ISO 11649 (RF…), which is written as
    one.
    """

    end_to_end_id: str
    amount_minor: int
    creditor: BankParty
    reference: str = ""
    purpose: str = ""


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What changed in a mandate since the last collection; empty where it did not. `is_other_bank`: the debtor's
    account is with another bank now (SMNDA)."""

    original_mandate_id: str = ""
    original_creditor_name: str = ""
    original_creditor_id: str = ""
    original_iban: str = ""
    is_other_bank: bool = False

    @property
    def is_empty(self) -> bool:
        return self == Amendment()


@dataclass(frozen=True, kw_only=True)
class Mandate:
    """The debtor's permission. `identifier` has at most 35 letters."""

    identifier: str
    signed_on: date
    amendment: Amendment = Amendment()


@dataclass(frozen=True, kw_only=True)
class DirectDebit:
    """Money from one debtor by a mandate."""

    end_to_end_id: str
    amount_minor: int
    debtor: BankParty
    mandate: Mandate
    reference: str = ""
    purpose: str = ""


@dataclass(frozen=True, kw_only=True)
class TransferBatch:
    """Transfers from one account, executed on one day; `is_one_booking`: the statement shows them as one sum."""

    identifier: str
    debtor: BankParty
    execute_on: date
    transfers: tuple[CreditTransfer, ...]
    currency: str = "EUR"
    is_one_booking: bool = True


@dataclass(frozen=True, kw_only=True)
class DebitBatch:
    """Collections to one account, due on one day, of one sequence type. `creditor_id` is the SEPA creditor
    identifier."""

    identifier: str
    creditor: BankParty
    creditor_id: str
    collect_on: date
    sequence: SequenceType
    debits: tuple[DirectDebit, ...]
    instrument: LocalInstrument = LocalInstrument.CORE
    is_one_booking: bool = True


@dataclass(frozen=True, kw_only=True)
class FileHead:
    """`identifier` is unique for the sender; `initiator` names it."""

    identifier: str
    created_at: datetime
    initiator: str
    initiator_id: str = ""
