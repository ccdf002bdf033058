"""What a utility's accountants wait for, timed on the connected ledger: registers, bank files, late interest, closing.

The ledger is that of `benchmark.money`.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import TypeVar

import polars as pl
from django.db import connection
from django.utils import timezone

from mains.config.benchmark.processor import command_seconds, server_seconds
from mains.config.drill.fake_bank import IBAN
from mains.config.drill.paying import MAPPING, register_of
from mains.config.drill.utility import account_numbers
from mains.debt.actions.interest import post_interest
from mains.debt.actions.terms import state_interest
from mains.integrations.bank_files.intake import take_bank_file
from mains.ledger.actions.periods import close_through
from mains.ledger.actions.posting import ENTRY_SCHEMA, POSTING_SCHEMA, post_transaction
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.actions.seals import seal_transactions
from mains.ledger.values import Book, TransactionKind
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.bank_acceptance import accept_bank_file
from mains.payments.actions.bank_accounts import add_bank_account
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import stage_register
from mains.payments.models import BankFile, PaymentRegister
from mains.payments.values import RegisterStatus

Result = TypeVar("Result")
_MONTHS = 36
_REPEATS = 15
_RULE = """
interest: bench-late
currency: {currency}
source: Housing Code, art. 155(14)
steps:
  - {{upto: 30, factor: 0}}
  - {{upto: 90, factor: 1/300}}
  - {{factor: 1/130}}
rates: 16 %
"""


@dataclass(frozen=True, kw_only=True)
class MoneyWork:
    """Seconds by the clock, and milliseconds where the name says so.

    `staged` is reading, checking and matching, `accepted` booking and allocation. `interest_before` is the first run,
    of all months at once, `interest_month` the next one, a month on, with so many lines. `processor_seconds` are of the
    command and the server together, by name; they hold on a machine that others use.
    """

    payments: int
    register_staged: float
    register_accepted: float
    mt940_staged: float
    mt940_accepted: float
    camt_staged: float
    camt_accepted: float
    interest_before: float
    interest_month: float
    interest_lines: int
    day_close: float
    processor_seconds: dict[str, float]

    def data(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def time_money_work(*, payments: int, day: date, currency: str) -> MoneyWork:
    """Time each once, on one ledger: payments spread over the billed accounts, dated `day`, which must be open."""
    numbers = account_numbers()
    now = datetime.combine(day, clock_time(20), tzinfo=timezone.get_current_timezone())
    seal_transactions(now=now)  # what was there before is sealed by then
    add_bank_account(number=IBAN, title="Bench", currency=currency)
    spent = _Processor()
    register = _time_register(_payments(numbers, payments, day, "A"), now=now)
    spent("register")
    swift = _time_bank_file(_mt940(_payments(numbers, payments, day, "B"), currency), now=now)
    spent("mt940")
    camt = _time_bank_file(_camt(_payments(numbers, payments, day, "C"), currency), now=now)
    spent("camt")
    before, month, lines = _time_interest(day, currency, now=now)
    spent("interest")
    close, _ = _timed(lambda: close_through(book=Book.EVERYTHING, day=day, now=now + timedelta(days=1)))
    spent("day close")
    return MoneyWork(
        payments=payments,
        register_staged=register[0],
        register_accepted=register[1],
        mt940_staged=swift[0],
        mt940_accepted=swift[1],
        camt_staged=camt[0],
        camt_accepted=camt[1],
        interest_before=before,
        interest_month=month,
        interest_lines=lines,
        day_close=round(close, 2),
        processor_seconds=spent.by_name,
    )


class _Processor:
    """Processor seconds of this process and the server since the last call, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, float] = {}
        self._before = self._now()

    def __call__(self, name: str) -> None:
        now = self._now()
        self.by_name[name] = round(now - self._before, 2)
        self._before = now

    @staticmethod
    def _now() -> float:
        return command_seconds() + (server_seconds() or 0.0)


def _payments(numbers: list[str], count: int, day: date, mark: str) -> list[tuple[str, date, int, str]]:
    """Account number, day, amount and reference; each account at most a few times, in no order of theirs."""
    return [
        (numbers[place * 7919 % len(numbers)], day, 10_000 + place * 31 % 500_000, f"{mark}{place:08d}")
        for place in range(count)
    ]


def _time_register(payments: list[tuple[str, date, int, str]], *, now: datetime) -> tuple[float, float]:
    mapping = load_mapping(MAPPING)
    content = register_of(payments)
    staging, register = _timed(
        lambda: stage_register(content=content, file_name="bench.csv", mapping=mapping, now=now)
    )
    assert PaymentRegister.objects.get(pk=register.pk).status == RegisterStatus.STAGED, register.faults[:3]
    accepting, done = _timed(lambda: accept_register(register_id=register.pk, now=now))
    assert done.receipt_count == len(payments)
    return round(staging, 2), round(accepting, 2)


def _time_bank_file(content: bytes, *, now: datetime) -> tuple[float, float]:
    staging, file_id = _timed(lambda: take_bank_file(content=content, file_name="bench", now=now))
    file = BankFile.objects.get(pk=file_id)
    assert file.status == RegisterStatus.STAGED, file.faults[:3]
    accepting, done = _timed(lambda: accept_bank_file(file_id=file_id, now=now))
    assert done.suspense_count * 100 < done.receipt_count, "Nearly every line names one account."
    return round(staging, 2), round(accepting, 2)


def _mt940(payments: Iterable[tuple[str, date, int, str]], currency: str) -> bytes:
    listed = list(payments)
    total = sum(minor for _number, _day, minor, _reference in listed)
    day = f"{listed[0][1]:%y%m%d}"
    lines = [":20:BENCH", f":25:{IBAN}", ":28C:1/1", f":60F:C{day}{currency}0,00"]
    for number, _day, minor, reference in listed:
        lines.append(f":61:{day}{day[2:]}CR{minor // 100},{minor % 100:02d}NTRFNONREF//{reference}")
        lines.append(f":86:166?00GUTSCHRIFT?20SVWZ+Konto {number}?32PAYER")
    lines += [f":62F:C{day}{currency}{total // 100},{total % 100:02d}", "-"]
    return ("\n".join(lines) + "\n").encode()


def _camt(payments: Iterable[tuple[str, date, int, str]], currency: str) -> bytes:
    """An advice: a second statement of the day would open with another balance."""
    entries = "".join(
        f'<Ntry><Amt Ccy="{currency}">{minor // 100}.{minor % 100:02d}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E-{reference}</EndToEndId></Refs>"
        f"<RltdPties><Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr></RltdPties>"
        f"<RmtInf><Ustrd>Konto {number}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for number, day, minor, reference in payments
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn><Id>B</Id>'
        f"<Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{entries}"
        "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def _time_interest(day: date, currency: str, *, now: datetime) -> tuple[float, float, int]:
    """Seconds of the run until the end of the month before the last, and of the last; lines of the latter."""
    state_interest(
        document=_RULE.format(currency=currency),
        valid_from=date(2020, 1, 1),
        proof="bench",
        actor=None,
        now=now,
    )
    until = day.replace(day=1) - timedelta(days=1)
    before, _ = _timed(lambda: post_interest(until=until.replace(day=1) - timedelta(days=1), now=now))
    month, posted = _timed(lambda: post_interest(until=until, now=now))
    return round(before, 2), round(month, 2), posted.lines


def reallocation_ms(day: date) -> float:
    """Median milliseconds to allocate an account anew that has 36 months of bills and payments from `day` on."""
    now = datetime.combine(day, clock_time(20), tzinfo=timezone.get_current_timezone())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id, organisation_id, provider_id, service FROM ledger_entry"
            " WHERE kind = 'bill' AND amount_minor > 0 ORDER BY id DESC LIMIT 1"
        )
        account_id, organisation_id, provider_id, service = cursor.fetchall()[0]
    first = day + timedelta(days=1)
    for number in range(2 * _MONTHS):
        minor = 12_345 if number % 2 == 0 else -12_300 - number
        entry = {
            "account_id": account_id, "organisation_id": organisation_id, "provider_id": provider_id,
            "service": service,
            "kind": "bill" if minor > 0 else "payment", "amount_minor": minor, "correction_minor": 0,
            "due_date": first, "document_id": 1,
        }  # fmt: skip
        frame = pl.DataFrame([entry], schema=ENTRY_SCHEMA)
        control = pl.lit("revenue" if minor > 0 else "bank").alias("control")
        post_transaction(
            kind=TransactionKind.BILL_RUN,
            source_id=10**9 + number,
            business_date=first + timedelta(days=15 * number),
            entries=frame,
            counterparts=frame.with_columns(control, -pl.col("amount_minor")).select(*POSTING_SCHEMA),
            now=now,
        )
    reallocate(account_ids=[account_id], now=now)
    times = [_timed(lambda: reallocate(account_ids=[account_id], now=now))[0] for _ in range(_REPEATS)]
    return round(sorted(times)[_REPEATS // 2] * 1000, 1)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result
