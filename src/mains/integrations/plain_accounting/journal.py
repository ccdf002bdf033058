"""Write the ledger as a journal: every transaction in order, on accounts named by chart, unit, provider and service."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TextIO

import polars as pl

from mains.customers.queries.records import account_numbers, codes_of_parties
from mains.integrations.plain_accounting.notations import Notation, decimal_text
from mains.kernel.errors import MainsError
from mains.ledger.queries.chart import Chart, read_chart
from mains.ledger.queries.journal import list_entries, list_postings, list_transactions
from mains.ledger.values import Control, TransactionKind
from mains.staff.queries.names import codes_of_units
from mains.staff.values import EVERYTHING
from mains.tariffs.queries.records import currency_of_utility

_NOBODY = "-"


class JournalDetail(StrEnum):
    """Receivables by unit, provider and service as on the control accounts, or down to each customer's account."""

    CONTROL = "control"
    CUSTOMERS = "customers"


class UnableToWriteJournal(MainsError):
    """There is nothing whose amounts have a currency."""


@dataclass(frozen=True, kw_only=True)
class WrittenJournal:
    """How many transactions and postings were written, on how many accounts."""

    transactions: int
    postings: int
    accounts: int


def write_journal(
    *,
    out: TextIO,
    notation: Notation,
    detail: JournalDetail = JournalDetail.CONTROL,
    first: date | None = None,
    last: date | None = None,
    as_of: datetime,
) -> WrittenJournal:
    """Write the transactions with a business date from `first` to `last` that were recorded by `as_of`.

    Accounts are opened before the first transaction that uses them. Raises UnableToWriteJournal before the first
    tariff, when amounts have no currency.
    """
    currency = currency_of_utility()
    if not currency:
        raise UnableToWriteJournal(
            code="no-currency",
            message="The utility has no tariff yet, so its amounts have no currency.",
            place="the ledger",
            remedy="Publish a tariff first.",
        )
    writer = _Writer(
        out=out,
        notation=notation,
        currency=currency,
        names=_Names(
            notation=notation, chart=read_chart(), units=codes_of_units(), parties=codes_of_parties()
        ),
    )
    out.write(notation.head("Mains ledger", currency))
    for transactions in list_transactions(first=first, last=last, as_of=as_of):
        postings = list_postings(transactions)
        if detail is JournalDetail.CUSTOMERS:
            others = postings.filter(pl.col("control") != Control.RECEIVABLE.value)
            entries = list_entries(transactions).with_columns(control=pl.lit(Control.RECEIVABLE.value))
            postings = pl.concat([entries, others], how="diagonal")
        writer.write(transactions, postings)
    return writer.written()


@dataclass(kw_only=True)
class _Names:
    """Account names of the notation, made once for each place."""

    notation: Notation
    chart: Chart
    units: Mapping[int, str]
    parties: Mapping[int, str]
    _made: dict[tuple[object, ...], str] = field(default_factory=dict)

    def find(self, control: str, unit: int, provider: int, service: str, number: str | None) -> str:
        key = (control, unit, provider, service, number)
        if key not in self._made:
            of = self.chart.find(Control(control), service)
            parts = [
                of.code,
                self.units.get(unit, str(unit)),
                self.parties.get(provider, _NOBODY),
                service or _NOBODY,
            ]
            self._made[key] = self.notation.account(of.type, [*parts, *([number] if number else [])])
        return self._made[key]


@dataclass(kw_only=True)
class _Writer:
    out: TextIO
    notation: Notation
    currency: str
    names: _Names
    _opened: set[str] = field(default_factory=set)
    _transactions: int = 0
    _postings: int = 0

    def write(self, transactions: pl.DataFrame, postings: pl.DataFrame) -> None:
        of_transaction = dict(self._lines(postings))
        for one in transactions.iter_rows(named=True):
            lines = of_transaction.get(one["transaction_id"], [])
            if not lines:
                continue
            day = one["business_date"]
            new = [
                account for account in dict.fromkeys(name for name, _ in lines) if account not in self._opened
            ]
            self.out.writelines(self.notation.opening(account, day, self.currency) for account in new)
            self._opened.update(new)
            code = f"{one['kind']}/{one['source_id']}/{one['part']}"
            text = one["narrative"] or str(TransactionKind(one["kind"]).label)
            self.out.write(self.notation.first_line(day, code, text))
            self.out.writelines(
                self.notation.posting(name, decimal_text(amount), self.currency) for name, amount in lines
            )
            self.out.write("\n")
            self._transactions += 1
            self._postings += len(lines)

    def _lines(self, postings: pl.DataFrame) -> Iterator[tuple[int, Sequence[tuple[str, int]]]]:
        """The postings of each transaction as account name and minor units."""
        numbers: dict[int, tuple[str | None, str]] = {}
        if "account_id" in postings.columns:
            ids = postings["account_id"].drop_nulls().unique().to_list()
            numbers.update(account_numbers(account_ids=ids, scope=EVERYTHING))
        for (transaction_id,), part in postings.group_by("transaction_id", maintain_order=True):
            rows = part.iter_rows(named=True)
            assert isinstance(transaction_id, int)
            yield (
                transaction_id,
                [
                    (
                        self.names.find(
                            row["control"],
                            row["organisation_id"],
                            row["provider_id"],
                            row["service"],
                            numbers.get(row.get("account_id") or 0, (None, ""))[0],
                        ),
                        row["amount_minor"],
                    )
                    for row in rows
                ],
            )

    def written(self) -> WrittenJournal:
        return WrittenJournal(
            transactions=self._transactions, postings=self._postings, accounts=len(self._opened)
        )
