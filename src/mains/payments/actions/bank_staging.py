"""Stage a bank's file that was read: keep it with the account of each line, or keep nothing but its refusal."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

import polars as pl
from django.db import IntegrityError, transaction

from mains.base.columns import append_frame, fetch_frame
from mains.kernel.errors import MainsError
from mains.payments.actions.bank_matching import BillFinder, DebitFinder, match_lines
from mains.payments.models import BankAccount, BankFile, BankStatement
from mains.payments.values import (
    BankFileRead,
    BankLine,
    BankStatementRead,
    Fault,
    LineState,
    RegisterStatus,
)
from mains.payments.values.bank_lines import amount_text, tells_apart

MAX_FAULTS = 1_000
KEY_LENGTH = 90
_LINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "statement_id": pl.Int64,
    "bank_account_id": pl.Int64,
    "position": pl.Int64,
    "line": pl.Int64,
    "entry_key": pl.String,
    "part": pl.Int64,
    "amount_minor": pl.Int64,
    "booked_on": pl.Date,
    "value_on": pl.Date,
    "bank_reference": pl.String,
    "end_to_end_id": pl.String,
    "structured_reference": pl.String,
    "payer_name": pl.String,
    "payer_account": pl.String,
    "remittance": pl.String,
    "is_reversal": pl.Boolean,
    "is_charge": pl.Boolean,
    "return_code": pl.String,
    "charges_minor": pl.Int64,
    "state": pl.String,
}


class UnableToStageBankFile(MainsError):
    """The same file is here already."""


def stage_bank_file(
    *,
    content: bytes,
    file_name: str,
    found: BankFileRead,
    now: datetime,
    account_number: str = "",
    find_bills: BillFinder | None = None,
    find_debits: DebitFinder | None = None,
    actor_id: int | None = None,
) -> BankFile:
    """Keep what was read of a file as staged, or as refused with all its faults (at most `MAX_FAULTS`).

    `account_number` says whose statement it is where the file does not name one of the utility's accounts.
    `find_bills` resolves bill numbers in texts, `find_debits` end-to-end numbers of direct debits.
    Raises UnableToStageBankFile when the same bytes are staged
    or accepted already; nothing changes then.
    """
    file = BankFile(
        sha256=hashlib.sha256(content).hexdigest(),
        file_name=PurePath(file_name).name[:200],
        form=found.form[:20],
        staged_at=now,
        staged_by_id=actor_id,
    )
    earlier = BankFile.objects.filter(sha256=file.sha256).first()
    if earlier is not None and earlier.status != RegisterStatus.REFUSED:
        raise _repetition(earlier, file.file_name)
    file.pk = earlier.pk if earlier else None
    faults = list(found.faults)
    accounts = _own_accounts(found, account_number, faults) if not faults else []
    if not faults:
        faults = _differing_statements(found.statements, accounts)
    try:
        with transaction.atomic():
            _keep(file, found, accounts, faults, find_bills=find_bills, find_debits=find_debits)
    except IntegrityError as error:
        raise _repetition(BankFile.objects.get(sha256=file.sha256), file.file_name) from error
    return file


def _repetition(earlier: BankFile, file_name: str) -> UnableToStageBankFile:
    is_accepted = earlier.status == RegisterStatus.ACCEPTED
    return UnableToStageBankFile(
        code="bank-file-repeated",
        message=f"This file is here already: bank file {earlier.pk}, {earlier.file_name}, "
        f"{'accepted' if is_accepted else 'waiting for acceptance'}.",
        place=file_name,
        remedy="Nothing was changed."
        if is_accepted
        else f"Nothing was changed. Accept bank file {earlier.pk}.",
        params={"file_id": earlier.pk, "status": earlier.status},
    )


def _own_accounts(found: BankFileRead, account_number: str, faults: list[Fault]) -> list[BankAccount]:
    """The utility's account of each statement; what is not the utility's is a fault."""
    own = {account.number: account for account in BankAccount.objects.all()}
    chosen = "".join(account_number.split()).upper()
    named = {statement.account for statement in found.statements}
    if chosen and len(named) > 1:
        faults.append(Fault(code="account-chosen", params={"value": ", ".join(sorted(named))[:200]}))
    accounts = []
    for statement in found.statements:
        account = own.get(chosen or statement.account)
        if account is None:
            value = chosen or statement.account
            faults.append(Fault(code="account-unknown", line=statement.line, params={"value": value[:60]}))
            continue
        currencies = {statement.currency, *(line.currency for line in statement.lines)} - {""}
        for currency in sorted(currencies - {account.currency}):
            params = {"found": currency, "expected": account.currency}
            faults.append(Fault(code="currency-differs", line=statement.line, params=params))
        first = min((line.booked_on for line in statement.lines if not line.is_pending), default=None)
        if first and account.opened_on and first < account.opened_on:
            params = {"value": first.isoformat(), "opened": account.opened_on.isoformat()}
            faults.append(Fault(code="before-opening", line=statement.line, params=params))
        accounts.append(account)
    return accounts


def _differing_statements(
    statements: Sequence[BankStatementRead], accounts: Sequence[BankAccount]
) -> list[Fault]:
    """Statements that were accepted before with another closing balance."""
    faults = []
    for statement, account in zip(statements, accounts, strict=True):
        if not statement.number or statement.closing_minor is None:
            continue
        earlier = (
            BankStatement.objects.filter(
                bank_account=account,
                number=statement.number,
                closed_on=statement.closed_on,
                is_advice=False,
                file__status=RegisterStatus.ACCEPTED,
            )
            .exclude(closing_minor=statement.closing_minor)
            .first()
        )
        if earlier is not None and earlier.closing_minor is not None:
            params = {
                "value": statement.number,
                "stated": amount_text(earlier.closing_minor),
                "found": amount_text(statement.closing_minor),
            }
            faults.append(Fault(code="statement-differs", line=statement.line, params=params))
    return faults


def _keep(
    file: BankFile,
    found: BankFileRead,
    accounts: Sequence[BankAccount],
    faults: list[Fault],
    *,
    find_bills: BillFinder | None,
    find_debits: DebitFinder | None,
) -> None:
    kept = faults[:MAX_FAULTS]
    if len(faults) > MAX_FAULTS:
        kept.append(Fault(code="faults-more", params={"count": len(faults) - MAX_FAULTS}))
    file.status = RegisterStatus.REFUSED if kept else RegisterStatus.STAGED
    file.faults = [fault.as_json() for fault in kept]
    # A refused file that came again keeps its id; a new one must not overwrite a simultaneous twin.
    file.save(force_update=file.pk is not None, force_insert=file.pk is None)
    if kept:
        return
    rows: list[tuple[object, ...]] = []
    keys: set[tuple[int, str]] = set()
    for position, (statement, account) in enumerate(zip(found.statements, accounts, strict=True), start=1):
        row = BankStatement.objects.create(
            file=file,
            bank_account=account,
            position=position,
            number=statement.number[:60],
            is_advice=statement.is_advice,
            opened_on=statement.opened_on,
            closed_on=statement.last_date,
            opening_minor=statement.opening_minor,
            closing_minor=statement.closing_minor,
        )
        rows += _rows(row.pk, account.pk, statement.lines, keys)
    frame = _with_known(pl.DataFrame(rows, schema=_LINE_SCHEMA, orient="row"))
    append_frame(
        match_lines(frame, find_bills=find_bills, find_debits=find_debits), "payments_banktransaction"
    )


def _rows(
    statement_id: int, account_id: int, lines: Sequence[BankLine], keys: set[tuple[int, str]]
) -> list[tuple[object, ...]]:
    """Rows of the table; an entry that an earlier statement of the file has is booked there."""
    ordinals: Counter[str] = Counter()
    parts: Counter[int] = Counter()
    key_of_entry: dict[int, str] = {}
    own: set[tuple[int, str]] = set()
    rows: list[tuple[object, ...]] = []
    for position, line in enumerate(lines, start=1):
        if line.entry not in key_of_entry:
            base = _base_key(line)
            ordinals[base] += 1
            key_of_entry[line.entry] = f"{base}#{ordinals[base]}"
        key = key_of_entry[line.entry]
        parts[line.entry] += 1
        state = LineState.BOOKED_BEFORE if (account_id, key) in keys else _first_state(line)
        own.add((account_id, key))
        rows.append(
            (
                statement_id,
                account_id,
                position,
                line.line,
                key,
                parts[line.entry],
                line.amount_minor,
                line.booked_on,
                line.value_on,
                line.bank_reference[:100],
                line.end_to_end_id[:100],
                line.structured_reference[:60],
                line.payer_name[:200],
                line.payer_account[:40],
                line.remittance[:1000],
                line.is_reversal,
                line.is_charge,
                line.return_code[:10],
                line.charges_minor,
                state.value,
            )
        )
    keys |= own
    return rows


def _base_key(line: BankLine) -> str:
    """What is the same for one entry of the bank in an advice and in a statement.

    The bank's reference with day and amount; without one, what the entry says. Equal entries of one day are
    told apart by their order.
    """
    day = f"{line.booked_on:%y%m%d}"
    reference = line.bank_reference
    if not tells_apart(reference):
        said = f"{line.payer_account}|{line.end_to_end_id}|{line.structured_reference}|{line.remittance}"
        reference = "=" + hashlib.sha256(said.encode()).hexdigest()[:24]
    elif len(reference) > KEY_LENGTH - 40:
        reference = "~" + hashlib.sha256(reference.encode()).hexdigest()[:32]
    return f"{day}:{line.entry_minor}:{reference}"


def _first_state(line: BankLine) -> LineState:
    if line.is_pending or line.amount_minor == 0:
        return LineState.PENDING
    # Money with a reason of return is an order of ours that came back, nobody's payment.
    if line.amount_minor < 0 or line.is_charge or line.is_reversal or line.return_code:
        return LineState.WAITING
    return LineState.SUSPENSE


def _with_known(frame: pl.DataFrame) -> pl.DataFrame:
    """Entries that an accepted file booked are booked before."""
    booked = fetch_frame(
        """
        SELECT bank_account_id, entry_key FROM payments_bankentry
        WHERE bank_account_id = ANY(%(accounts)s) AND entry_key = ANY(%(keys)s)
        """,
        {
            "accounts": frame["bank_account_id"].unique().to_list(),
            "keys": frame["entry_key"].unique().to_list(),
        },
        schema={"bank_account_id": pl.Int64, "entry_key": pl.String},
    ).with_columns(known=pl.lit(value=True))
    return (
        frame.join(booked, on=["bank_account_id", "entry_key"], how="left", maintain_order="left")
        .with_columns(
            state=pl.when(
                pl.col("known").fill_null(value=False) & (pl.col("state") != LineState.PENDING.value)
            )
            .then(pl.lit(LineState.BOOKED_BEFORE.value))
            .otherwise(pl.col("state"))
        )
        .drop("known")
    )
