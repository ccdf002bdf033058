"""A ledger of a whole utility, made by the server itself, to time statements and settlement at full size.

Bills, payments and allocations are posted as runs and registers post them, in slices; customers, premises and networks
are only as much as statements read.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, connections

from mains.base.progress import ProgressReport
from mains.config.benchmark.databases import administer, bring_up_to_date, connect_to
from mains.kernel.period import next_month
from mains.ledger.queries.current_account import current_account
from mains.reporting.actions.turnover_tally import refresh_turnover
from mains.reporting.queries.turnover import turnover
from mains.reporting.queries.turnover_slices import Dimension, Slice, turnover_accounts, turnover_by
from mains.settlement.actions.contracts import ContractTerms, state_contract
from mains.settlement.actions.splitting import split_payments
from mains.settlement.queries import invariants
from mains.staff.values import EVERYTHING

Result = TypeVar("Result")
FIRST = date(2021, 1, 1)
SLICES = 64
_BRANCHES, _TEAMS = 12, 240
_PER_HOUSE = 60
# The exclusion constraint asks once a row, 11,000 a second; what it would find is made here and known to be sound.
_REGISTRY = """
ALTER TABLE customers_agreement DROP CONSTRAINT one_payer_at_a_time;
INSERT INTO staff_organisation (id, code, name, kind)
    SELECT n, 'U' || n, 'Unit ' || n,
           CASE WHEN n = 1 THEN 'utility' WHEN n <= 1 + {branches} THEN 'branch' ELSE 'team' END
    FROM generate_series(1, 1 + {branches} + {teams}) n;
INSERT INTO staff_organisationplacement (organisation_id, parent_id, valid, recorded_at, proof)
    SELECT n, CASE WHEN n = 1 THEN NULL WHEN n <= 1 + {branches} THEN 1 ELSE 2 + n %% {branches} END,
           '[2020-01-01,)', '2020-01-01Z', ''
    FROM generate_series(1, 1 + {branches} + {teams}) n;
INSERT INTO customers_party (id, code, name, kind, tax_number, bank_name, bank_code, bank_account)
    SELECT n, 'P' || n, 'Party ' || n, CASE WHEN n > 3 THEN 'manager' ELSE 'supplier' END, '', '', '', ''
    FROM generate_series(1, 9) n;
INSERT INTO customers_customer (id, kind, name, tax_number, phone, email, language)
    VALUES (1, 'person', 'Customer', '', '', '', 'en');
INSERT INTO customers_account (id, number, customer_id, organisation_id, cycle, bucket, opened_on)
    SELECT n, lpad(n::text, 10, '0'), 1, 2 + {branches} + n * {teams}::bigint / ({accounts} + 1), 'monthly', n %% 1024,
           '2020-01-01'
    FROM generate_series(1, {accounts}) n;
INSERT INTO network_node (id, service, kind, code, name)
    SELECT n, 'electricity', CASE WHEN n > {nodes} THEN 'substation' ELSE 'transformer' END, 'N-' || n, 'Node ' || n
    FROM generate_series(1, {nodes} + {nodes} / 50 + 1) n;
INSERT INTO network_nodeplacement (node_id, parent_id, valid, recorded_at, proof)
    SELECT n, CASE WHEN n <= {nodes} THEN {nodes} + 1 + n / 50 END, '[2020-01-01,)', '2020-01-01Z', ''
    FROM generate_series(1, {nodes} + {nodes} / 50 + 1) n;
INSERT INTO network_building (id, city, street, house, postal_code, latitude, longitude, node_id)
    SELECT n, 'Town', 'Street', n::text, '', 45, 34, 1 + n %% {nodes}
    FROM generate_series(1, 1 + {accounts} / {per_house}) n;
INSERT INTO network_premise (id, building_id, kind, entrance, riser, flat)
    SELECT n, 1 + n / {per_house}, 'flat', '', '', n::text FROM generate_series(1, {accounts}) n;
INSERT INTO network_servicepoint (id, code, premise_id, service, node_id, bucket, connected_on)
    SELECT n, 'S' || n, n, 'electricity', 1 + (1 + n / {per_house}) %% {nodes}, n %% 1024, '2020-01-01'
    FROM generate_series(1, {accounts}) n;
INSERT INTO tariffs_tariff (id, code, name, service, currency)
    VALUES (1, 'one', 'One rate', 'electricity', 'RUB'), (2, 'two', 'Two zones', 'electricity', 'RUB');
INSERT INTO customers_agreement (account_id, service_point_id, tariff_id, provider_id, manager_id, category, load_class,
                                 contract_number, valid, recorded_at, proof)
    SELECT n, n, 1 + n %% 2, 1, CASE WHEN n / {per_house} %% 3 = 0 THEN 4 + n / {per_house} %% 6 END,
           CASE WHEN n %% 11 = 0 THEN 'commercial' ELSE 'household' END, '', '', '[2020-01-01,)', '2020-01-01Z', ''
    FROM generate_series(1, {accounts}) n
"""
# An account's bill is due from 100 to 5,099 and is paid at nine accounts of ten, a kopeck less at one of them.
_MONTH = """
SELECT mains_month_partition('ledger_entry', %(month)s), mains_month_partition('ledger_entry', %(next)s);
INSERT INTO ledger_transaction (id, kind, source_id, part, business_date, recorded_at, narrative)
    SELECT %(base)s + s, 'bill_run', %(number)s, s, %(last)s, %(last)s::timestamptz + interval '3 days', ''
    FROM generate_series(0, {slices} - 1) s
    UNION ALL
    SELECT %(base)s + {slices} + s, 'payment_register', %(number)s, s, %(next)s::date + 9,
           %(next)s::timestamptz + interval '10 days', ''
    FROM generate_series(0, {slices} - 1) s;
INSERT INTO ledger_entry (month, id, transaction_id, account_id, organisation_id, provider_id, service, kind,
                          amount_minor, correction_minor, business_date, due_date, document_id, recorded_at)
    SELECT %(month)s, %(base)s * 1000 + n, %(base)s + n %% {slices}, n,
           2 + {branches} + n * {teams}::bigint / ({accounts} + 1), 1, 'electricity', 'bill',
           10000 + n * 7919 %% 500000, 0, %(last)s, %(next)s::date + 9, n, %(last)s::timestamptz + interval '3 days'
    FROM generate_series(1, {accounts}) n;
INSERT INTO ledger_entry (month, id, transaction_id, account_id, organisation_id, provider_id, service, kind,
                          amount_minor, correction_minor, business_date, due_date, document_id, recorded_at)
    SELECT %(next)s, %(base)s * 1000 + {accounts} + n, %(base)s + {slices} + n %% {slices}, n,
           2 + {branches} + n * {teams}::bigint / ({accounts} + 1), 1, 'electricity', 'payment',
           -(10000 + n * 7919 %% 500000 - (n %% 9 = 0)::int), 0, %(next)s::date + 9, NULL, n,
           %(next)s::timestamptz + interval '10 days'
    FROM generate_series(1, {accounts}) n WHERE n %% 10 <> 0;
INSERT INTO ledger_allocation (account_id, item_id, credit_id, amount_minor, business_date, recorded_at)
    SELECT n, %(base)s * 1000 + n, %(base)s * 1000 + {accounts} + n,
           10000 + n * 7919 %% 500000 - (n %% 9 = 0)::int, %(next)s::date + 9,
           %(next)s::timestamptz + interval '10 days'
    FROM generate_series(1, {accounts}) n WHERE n %% 10 <> 0;
INSERT INTO ledger_posting (transaction_id, control, organisation_id, provider_id, service, amount_minor,
                            correction_minor)
    SELECT e.transaction_id, c.control, e.organisation_id, 1, 'electricity', c.sign * sum(e.amount_minor), 0
    FROM ledger_entry e CROSS JOIN LATERAL (
        VALUES ('receivable', 1), (CASE e.kind WHEN 'bill' THEN 'revenue' ELSE 'bank' END, -1)) c(control, sign)
    WHERE e.month IN (%(month)s, %(next)s) AND e.transaction_id BETWEEN %(base)s AND %(base)s + 2 * {slices} - 1
    GROUP BY 1, 2, 3, c.sign;
SELECT setval(pg_get_serial_sequence('ledger_transaction', 'id'), %(base)s + 2 * {slices})
"""


@dataclass(frozen=True, kw_only=True)
class MoneyFigures:
    """Seconds of splitting the last month's payments, of all of them from the beginning (a check that changes nothing),
    and of asking with nothing new; rows of split, and breaches found afterwards. Then of counting all months, and one
    more, for the statements by slices; and milliseconds of statements, each the best of three."""

    accounts: int
    months: int
    entries: int
    split_month_seconds: float
    split_month_rows: int
    split_again_seconds: float
    split_one_ms: float
    breaches: int
    tally_seconds: float
    tally_month_seconds: float
    statement_ms: dict[str, float]

    def data(self) -> dict[str, object]:
        return asdict(self)


@contextmanager
def ledger_of(*, accounts: int, months: int, progress: ProgressReport) -> Iterator[None]:
    """Connect Django to a new database with such a ledger; it is dropped at the end."""
    usual = connections["default"].settings_dict["NAME"]
    name = f"bench_money_{accounts}_{months}"
    administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    administer(f"CREATE DATABASE {name}")
    try:
        connect_to(name)
        bring_up_to_date()
        with progress.step("Registry"):
            _execute(_REGISTRY, {}, accounts=accounts)
        with progress.step("Months", total=months) as step:
            for number in range(1, months + 1):
                _write_month(number, accounts=accounts)
                step.advance()
        with progress.step("Vacuum, as the server does by itself after a load"):
            connection.ensure_connection()
            _execute_alone("VACUUM (ANALYZE)")
        yield
    finally:
        connect_to(usual)
        administer(f"DROP DATABASE {name} WITH (FORCE)")


def day_of_work(months: int) -> date:
    """The day after the last payments of a ledger of so many months."""
    return _month(months + 1) + timedelta(days=11)


def time_settlement(*, accounts: int, months: int, progress: ProgressReport) -> MoneyFigures:
    """Split everything but the last month, then the last month as one set, then nothing more, then one payment."""
    now = datetime(2030, 1, 1, tzinfo=UTC)
    for manager in ("", "P4", "P5"):
        state_contract(
            terms=ContractTerms(
                provider="P1",
                manager=manager,
                number=f"A{manager}",
                fee_percent="2.5",
                shares="P2:52.5; P3:47.5",
                passes_through=bool(manager),
            ),
            valid_from=date(2020, 1, 1),
            proof="bench",
            actor=None,
            # Recorded when the first split looks, they would make the second one look at everything again.
            now=now - timedelta(days=1),
        )
    with progress.step("Split all months"):
        split_payments(now=now)
    month, rows = 0.0, 0
    with progress.step("One more month, and its split"):
        _write_month(months + 1, accounts=accounts)
        _execute_alone("VACUUM (ANALYZE)")
        month, made = _timed(lambda: split_payments(now=now + timedelta(days=1)))
        rows = made.rows
    with progress.step("Everything again"):
        again, nothing = _timed(lambda: split_payments(now=now + timedelta(days=2), is_everything=True))
    assert nothing.rows == 0, "Splitting again changes nothing."
    with progress.step("Invariants"):
        breaches = len(invariants.find_breaches())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_entry")
        (entries,) = cursor.fetchone()
    with progress.step("Count for statements"):
        tally, _all = _timed(refresh_turnover)
    _execute_alone("ANALYZE")
    with progress.step("Statements"):
        statements = {name: _best_ms(ask) for name, ask in _statements(months + 1).items()}
    _write_month(months + 2, accounts=accounts)
    tally_month, _month = _timed(refresh_turnover)
    one = min(
        _timed(lambda: split_payments(now=now + timedelta(days=3), look_at_facts=False))[0] for _ in range(5)
    )
    return MoneyFigures(
        accounts=accounts,
        months=months + 1,
        entries=entries,
        split_month_seconds=round(month, 2),
        split_month_rows=rows,
        split_again_seconds=round(again, 2),
        split_one_ms=round(one * 1000, 1),
        breaches=breaches,
        tally_seconds=round(tally, 2),
        tally_month_seconds=round(tally_month, 2),
        statement_ms=statements,
    )


def _statements(months: int) -> dict[str, Callable[[], object]]:
    """The last month and the whole span, from the top down to accounts, as people ask for them."""
    first = _month(months)
    month: dict[str, Any] = {"month_from": first, "month_to": next_month(first)}
    span: dict[str, Any] = {"month_from": FIRST, "month_to": next_month(first)}
    asked, whole, team = Slice(**month), Slice(**span), 2 + _BRANCHES
    rows = turnover_by(scope=EVERYTHING, asked=whole, by=Dimension.NODE).rows
    top = next(int(row.key) for row in rows if row.is_open)
    below = turnover_by(scope=EVERYTHING, asked=replace(whole, node=top), by=Dimension.NODE).rows
    leaf = next(int(row.key) for row in below if row.key)
    return {
        "utility by units, a month": lambda: turnover(scope=EVERYTHING, **month),
        "utility by units, all months": lambda: turnover(scope=EVERYTHING, **span),
        "a branch by units": lambda: turnover(scope=EVERYTHING, organisation_id=2, **month),
        "accounts of a team": lambda: turnover(scope=EVERYTHING, organisation_id=team, **month),
        "utility by network, all months": lambda: turnover_by(
            scope=EVERYTHING, asked=whole, by=Dimension.NODE
        ),
        "utility by tariff class": lambda: turnover_by(scope=EVERYTHING, asked=asked, by=Dimension.CLASS),
        "a substation by nodes": lambda: turnover_by(
            scope=EVERYTHING, asked=replace(asked, node=top), by=Dimension.NODE
        ),
        "a transformer by class": lambda: turnover_by(
            scope=EVERYTHING, asked=replace(asked, node=leaf), by=Dimension.CLASS
        ),
        "accounts of a transformer": lambda: turnover_accounts(
            scope=EVERYTHING, asked=replace(asked, node=leaf)
        ),
        "accounts of a class in a team": lambda: turnover_accounts(
            scope=EVERYTHING, asked=replace(asked, unit=team, category="commercial")
        ),
        "entries of an account": lambda: current_account(account_id=1),
    }


def _best_ms(ask: Callable[[], object]) -> float:
    return round(min(_timed(ask)[0] for _ in range(3)) * 1000, 1)


def _write_month(number: int, *, accounts: int) -> None:
    month = _month(number)
    after = next_month(month)
    params: dict[str, Any] = {
        "month": month,
        "next": after,
        "last": date.fromordinal(after.toordinal() - 1),
        "number": 10**6 + number,  # beyond the ids of registers that follow
        "base": number * 10_000,
    }
    _execute(_MONTH, params, accounts=accounts)


def _month(number: int) -> date:
    return date(FIRST.year + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def _execute(statements: str, params: dict[str, Any], *, accounts: int) -> None:
    text = statements.format(
        accounts=accounts,
        branches=_BRANCHES,
        teams=_TEAMS,
        per_house=_PER_HOUSE,
        slices=SLICES,
        nodes=max(accounts // 150, 10),
    )
    with connection.cursor() as cursor:
        for statement in text.split(";\n"):
            cursor.execute(statement, params)


def _execute_alone(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result
