"""What must hold in a bank's file whatever its format: balances, dates, currencies, no transaction twice."""

from datetime import date, timedelta

from mains.integrations.bank_files.numbers import MAX_AMOUNT_MINOR, known_currencies
from mains.payments.values import BankFileRead, BankLine, BankStatementRead
from mains.payments.values.bank_lines import amount_text, tells_apart

_SUMS = frozenset(("count-differs", "sum-differs"))
# The books of a bank east of here may be a day ahead.
_AHEAD = timedelta(days=1)


def check_file(found: BankFileRead, *, today: date) -> BankFileRead:
    """Add the faults that only the whole file shows; the file itself, its faults in order of lines."""
    # With an entry that cannot be read no balance can agree, and saying so would only hide the cause.
    is_readable = all(fault.code in _SUMS for fault in found.faults)
    for statement in found.statements:
        _check_head(found, statement, today=today)
        if is_readable:
            _check_balance(found, statement)
        for line in statement.lines:
            _check_line(found, statement, line, today=today)
    _check_repetitions(found)
    found.faults.sort(key=lambda fault: fault.line)
    return found


def _check_head(found: BankFileRead, statement: BankStatementRead, *, today: date) -> None:
    if not statement.account:
        found.note("account-missing", statement.line)
    if statement.currency and statement.currency not in known_currencies():
        found.note("currency-unknown", statement.line, value=statement.currency[:10])
    if statement.closed_on and statement.closed_on > today + _AHEAD:
        found.note(
            "future-statement",
            statement.line,
            value=statement.closed_on.isoformat(),
            today=today.isoformat(),
        )


def _check_balance(found: BankFileRead, statement: BankStatementRead) -> None:
    opening, closing = statement.opening_minor, statement.closing_minor
    if opening is None or closing is None or opening + statement.moved_minor == closing:
        return
    found.note(
        "balance-differs",
        statement.line,
        opening=amount_text(opening),
        moved=amount_text(statement.moved_minor),
        found=amount_text(opening + statement.moved_minor),
        stated=amount_text(closing),
    )


def _check_line(found: BankFileRead, statement: BankStatementRead, line: BankLine, *, today: date) -> None:
    if abs(line.amount_minor) > MAX_AMOUNT_MINOR:
        found.note("amount-too-large", line.line, value=amount_text(line.amount_minor))
    if line.currency and line.currency not in known_currencies():
        found.note("currency-unknown", line.line, value=line.currency[:10])
    elif line.currency and statement.currency and line.currency != statement.currency:
        found.note("currency-differs", line.line, found=line.currency, expected=statement.currency)
    if line.booked_on > today + _AHEAD and not line.is_pending:
        found.note("date-in-future", line.line, value=line.booked_on.isoformat(), today=today.isoformat())


def _check_repetitions(found: BankFileRead) -> None:
    statements: dict[tuple[object, ...], int] = {}
    for statement in found.statements:
        key = (statement.account, statement.number, statement.is_advice, statement.opened_on,
               statement.closed_on, statement.opening_minor, statement.closing_minor)  # fmt: skip
        if statement.number and key in statements and statement.lines:
            found.note("statement-twice", statement.line, value=statement.number)
        statements.setdefault(key, statement.line)
    _check_lines_twice(found)


def _check_lines_twice(found: BankFileRead) -> None:
    seen: dict[tuple[object, ...], tuple[BankLine, int]] = {}
    for statement, line in found.each_line():
        if not tells_apart(line.bank_reference):
            continue
        key = (statement.account, line.bank_reference, line.amount_minor, line.booked_on, line.end_to_end_id,
               line.payer_account, line.payer_name, line.remittance, line.is_reversal, line.is_charge)  # fmt: skip
        first, entry = seen.setdefault(key, (line, id(statement)))
        # Equal details of one batch are payments of their own; the entry's sum has shown that.
        if first is not line and (first.entry, entry) != (line.entry, id(statement)):
            found.note("transaction-twice", line.line, value=line.bank_reference[:60], first_line=first.line)
