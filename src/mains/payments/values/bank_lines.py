"""What a bank's file says, whatever its format. Amounts are signed minor units: money in is positive."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from mains.payments.values.faults import Fault

# Banks that have nothing to say in a reference say one of these.
_NO_REFERENCE = frozenset(("", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOREF", "NONE"))


def tells_apart(reference: str) -> bool:
    """Whether a bank's reference names one entry rather than none."""
    return reference.upper() not in _NO_REFERENCE and reference.strip("0 -") != ""


def amount_text(minor: int) -> str:
    """`-12.05`, for faults that show two numbers."""
    whole, decimals = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}.{decimals:02d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class BankLine:
    """One transaction of a statement; a batch entry with details is one line per detail.

    `line` is the line of the file. `entry` counts the bank's entries from 1, so lines of one batch share it;
    `entry_minor` is the whole entry. `bank_reference` is the bank's own name of the entry, `batch_id` the payer's or
    creditor's name of the batch that it books as one sum. `return_code` says why money went back, `charges_minor` what
    of the amount is the bank's charge for it.
    """

    line: int
    entry: int
    entry_minor: int
    amount_minor: int
    currency: str
    booked_on: date
    value_on: date | None = None
    bank_reference: str = ""
    end_to_end_id: str = ""
    structured_reference: str = ""
    payer_name: str = ""
    payer_account: str = ""
    remittance: str = ""
    is_reversal: bool = False
    is_charge: bool = False
    is_pending: bool = False
    batch_id: str = ""
    return_code: str = ""
    charges_minor: int = 0


@dataclass(kw_only=True)
class BankStatementRead:
    """One statement, or an advice of entries without balances (`is_advice`)."""

    number: str
    account: str
    currency: str
    line: int = 0
    is_advice: bool = False
    opened_on: date | None = None
    closed_on: date | None = None
    opening_minor: int | None = None
    closing_minor: int | None = None
    available_minor: int | None = None
    lines: list[BankLine] = field(default_factory=list)

    @property
    def moved_minor(self) -> int:
        """Sum of what the bank booked."""
        return sum(line.amount_minor for line in self.lines if not line.is_pending)

    @property
    def last_date(self) -> date | None:
        """The day the statement closes, or of its last entry."""
        return self.closed_on or max((line.booked_on for line in self.lines), default=None)


@dataclass(kw_only=True)
class BankFileRead:
    """A file as read. Its statements count only when there is no fault."""

    form: str
    statements: list[BankStatementRead] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def note(self, code: str, line: int = 0, place: str = "", /, **params: str | int) -> None:
        """Add a fault; `place` is the element, tag or key."""
        self.faults.append(Fault(code=code, line=line, field=place, params=params))

    def each_line(self) -> Iterator[tuple[BankStatementRead, BankLine]]:
        return ((statement, line) for statement in self.statements for line in statement.lines)
