"""Bills and bill runs as people read them, limited to a scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mains.base.rows import fetch_row, fetch_rows
from mains.billing.values import RunKind
from mains.staff.values import Scope


@dataclass(frozen=True)
class BillRecord:
    """One account's bill of one month, or a recalculation, final settlement or on-site bill between two (`kind`, a
    RunKind); `correction_minor` is the part that recalculates earlier months."""

    month: date
    id: int
    run_id: int
    account_id: int
    organisation_id: int
    issued_on: date
    due_on: date
    amount_minor: int
    correction_minor: int
    tax_minor: int
    quantity_micro: int
    estimated_days: int
    recorded_at: datetime
    kind: str

    @property
    def is_recalculation(self) -> bool:
        return self.kind == RunKind.RECALCULATION

    @property
    def is_settlement(self) -> bool:
        return self.kind == RunKind.SETTLEMENT

    @property
    def is_on_site(self) -> bool:
        return self.kind == RunKind.ON_SITE


@dataclass(frozen=True)
class LineRecord:
    """One component of one agreement; a correction when `service_month` lies before the bill's month."""

    line: int
    agreement_id: int
    service_point_id: int
    tariff_edition_id: int
    service_month: date
    component: str
    kind: str
    from_date: date
    to_date: date
    quantity_micro: int
    amount_minor: int


@dataclass(frozen=True)
class RunRecord:
    """A month's billing of one cycle, or a recalculation, with what its finished slices wrote; `parts` of each stage
    make it complete. `account_number` is empty where it looked at all accounts. `billed_through` is the last day of an
    on-site bill."""

    id: int
    kind: str
    account_number: str
    parts: int
    month: date
    cycle: str
    status: str
    facts_as_of: datetime
    issued_on: date
    due_on: date
    accounts: int
    created_at: datetime
    posted_at: datetime | None
    usage_buckets: int
    bills_buckets: int
    bills: int
    amount_minor: int
    exceptions: int
    blocking: int
    billed_through: date | None

    @property
    def is_recalculation(self) -> bool:
        return self.kind == RunKind.RECALCULATION

    @property
    def is_settlement(self) -> bool:
        return self.kind == RunKind.SETTLEMENT

    @property
    def is_on_site(self) -> bool:
        return self.kind == RunKind.ON_SITE


@dataclass(frozen=True)
class ExceptionRecord:
    """Something in a run that a person should look at."""

    id: int
    run_id: int
    account_id: int
    number: str
    customer_name: str
    code: str
    message: str
    blocking: bool


BILL = """
SELECT b.month, b.id, b.run_id, b.account_id, b.organisation_id, b.issued_on, b.due_on, b.amount_minor,
       b.correction_minor, b.tax_minor, b.quantity_micro, b.estimated_days, b.recorded_at, r.kind
FROM billing_bill b JOIN billing_billrun r ON r.id = b.run_id
"""
WITHIN = "(%(everything)s OR {t}.organisation_id = ANY(%(reached)s))"


def scope_params(scope: Scope) -> dict[str, Any]:
    """Parameters of the WITHIN condition."""
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}


def find_bill(*, month: date, bill_id: int, scope: Scope) -> BillRecord | None:
    """The bill, or None when there is none within the scope."""
    statement = f"{BILL} WHERE b.month = %(month)s AND b.id = %(id)s AND {WITHIN.format(t='b')}"
    return fetch_row(BillRecord, statement, {"month": month, "id": bill_id} | scope_params(scope))


def list_bills(*, account_id: int, scope: Scope, limit: int = 60) -> list[BillRecord]:
    """The account's bills, latest first."""
    statement = (
        f"{BILL} WHERE b.account_id = %(id)s AND {WITHIN.format(t='b')} ORDER BY b.month DESC, b.recorded_at DESC"
        " LIMIT %(limit)s"
    )
    return fetch_rows(BillRecord, statement, {"id": account_id, "limit": limit} | scope_params(scope))


LINE = """
SELECT l.line, l.agreement_id, l.service_point_id, l.tariff_edition_id, l.service_month, l.component, l.kind,
       l.from_date, l.to_date, l.quantity_micro, l.amount_minor
FROM billing_billline l
"""


def list_lines(*, bill: BillRecord) -> list[LineRecord]:
    """Lines of a bill in order."""
    statement = f"{LINE} WHERE l.month = %(month)s AND l.bill_id = %(id)s ORDER BY l.line"
    return fetch_rows(LineRecord, statement, {"month": bill.month, "id": bill.id})


def list_corrections(*, bills: Sequence[BillRecord]) -> list[tuple[BillRecord, LineRecord]]:
    """Lines of the bills that recalculate an earlier month, each with its bill; included tax adds nothing."""
    corrected = {bill.id: bill for bill in bills if bill.correction_minor}
    if not corrected:
        return []
    statement = (
        f"{LINE.replace('SELECT', 'SELECT l.bill_id,')} WHERE l.bill_id = ANY(%(ids)s)"
        " AND l.month = ANY(%(months)s) AND l.service_month < l.month AND l.kind <> 'tax_included'"
        " ORDER BY l.month DESC, l.bill_id, l.line"
    )
    params = {"ids": list(corrected), "months": [bill.month for bill in corrected.values()]}
    return [(corrected[bill_id], line) for bill_id, line in fetch_rows(_line_of_bill, statement, params)]


def _line_of_bill(bill_id: int, *fields: Any) -> tuple[int, LineRecord]:
    return bill_id, LineRecord(*fields)


RUN = """
SELECT r.id, r.kind, coalesce(c.number, ''),
       CASE WHEN r.kind = 'monthly' THEN 1024 ELSE r.slice_count END AS parts, r.month, r.cycle, r.status,
       r.facts_as_of, r.issued_on, r.due_on, r.accounts, r.created_at, r.posted_at,
       done.usage_buckets, done.bills_buckets, done.bills, done.amount_minor, odd.exceptions, odd.blocking,
       r.billed_through
FROM billing_billrun r
LEFT JOIN customers_account c ON c.id = r.account_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE stage = 'usage') AS usage_buckets,
           count(*) FILTER (WHERE stage = 'bills') AS bills_buckets,
           coalesce(sum(rows_written) FILTER (WHERE stage = 'bills'), 0)::bigint AS bills,
           coalesce(sum(amount_minor) FILTER (WHERE stage = 'bills'), 0)::bigint AS amount_minor
    FROM billing_billrunbucket WHERE run_id = r.id
) done
CROSS JOIN LATERAL (
    SELECT count(*) AS exceptions, count(*) FILTER (WHERE blocking) AS blocking
    FROM billing_billexception WHERE run_id = r.id
) odd
"""


def list_runs(*, limit: int = 60, is_settlement: bool = False) -> list[RunRecord]:
    """Bill runs and recalculations of the utility, latest first; or final settlements and on-site bills, each a
    run of its own."""
    return fetch_rows(
        RunRecord,
        f"{RUN} WHERE (r.kind IN ('settlement', 'on_site')) = %(settlement)s"
        " ORDER BY r.month DESC, r.facts_as_of DESC, r.cycle LIMIT %(limit)s",
        {"limit": limit, "settlement": is_settlement},
    )


def find_run(*, run_id: int) -> RunRecord | None:
    """One bill run."""
    return fetch_row(RunRecord, f"{RUN} WHERE r.id = %(id)s", {"id": run_id})


def latest_month() -> date | None:
    """The latest month that was billed."""
    return fetch_row(_only, _LATEST, {})


_LATEST = "SELECT max(month) FROM billing_billrun WHERE status = 'posted' AND kind = 'monthly'"


def _only(value: date | None) -> date | None:
    return value


EXCEPTIONS = """
FROM billing_billexception x
JOIN customers_account a ON a.id = x.account_id
JOIN customers_customer c ON c.id = a.customer_id
WHERE (%(everything)s OR a.organisation_id = ANY(%(reached)s))
"""


def list_exceptions(
    *, scope: Scope, run_id: int | None = None, after: int = 0, limit: int = 50
) -> list[ExceptionRecord]:
    """Exceptions of one run, or of all, those that stopped a bill first, then by id; a page after an id."""
    statement = (
        f"SELECT x.id, x.run_id, x.account_id, a.number, mains_name(c.name), x.code, x.message, x.blocking"
        f" {EXCEPTIONS}"
        " AND x.id > %(after)s AND (%(run)s::bigint IS NULL OR x.run_id = %(run)s) ORDER BY x.id LIMIT %(limit)s"
    )
    params = {"after": after, "run": run_id, "limit": limit}
    return fetch_rows(ExceptionRecord, statement, params | scope_params(scope))


def count_exceptions(*, scope: Scope, run_id: int | None = None) -> int:
    """Exceptions of one run, or of all."""
    statement = f"SELECT count(*) {EXCEPTIONS} AND (%(run)s::bigint IS NULL OR x.run_id = %(run)s)"
    return fetch_rows(int, statement, {"run": run_id} | scope_params(scope))[0]
