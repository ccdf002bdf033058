"""The main job of a utility on a demo: bill its months, take in payments, close with a statement.

Each step leaves alone what it finds done, so the job goes on where an earlier one stopped.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from mains.base.db import adbc_connect, read_frame
from mains.base.progress import ProgressReport
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.values import Stage
from mains.ledger.actions.allocation import allocate_credits
from mains.packs.cash_desks import set_up_desks
from mains.packs.definition import Pack, add_months
from mains.packs.findings import record_findings
from mains.packs.instalments import end_plans, make_plans
from mains.packs.intervals import record_intervals
from mains.packs.late_money import post_late_interest, state_late_money
from mains.packs.payment_register import write_payment_register
from mains.packs.settlement import settle_months, state_settlement
from mains.payments.actions.acceptance import accept_register
from mains.payments.actions.mapping import load_mapping
from mains.payments.actions.staging import UnableToStageRegister, stage_register
from mains.payments.queries.registers import has_accepted_register
from mains.reporting.actions.figures import refresh_figures
from mains.reporting.actions.search import rebuild_search_index
from mains.reporting.actions.turnover_tally import refresh_turnover
from mains.reporting.queries.turnover import Figures, turnover
from mains.staff.values import EVERYTHING

REGISTER_MAPPING = "bank_csv"


@dataclass(frozen=True, kw_only=True)
class MonthFigures:
    """One billed month: accounts with a bill, use in micro-units, and the turnover in minor units."""

    month: date
    bills: int
    quantity_micro: int
    turnover: Figures


@dataclass(frozen=True, kw_only=True)
class JobFigures:
    """The billed months, and the turnover from the first of them to the demo's today."""

    months: tuple[MonthFigures, ...]
    total: Figures


def run_main_job(*, pack: Pack, seed: int, folder: Path, progress: ProgressReport) -> JobFigures:
    """Bill the pack's months in order, import each month's bank register, index for search, and draw up the
    statement.

    Registers are written to `folder`. Time is the demo's own: what is recorded is dated when it would have
    happened.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    begun = _instant(pack.billing.issue_date(pack.billing.months[0]))
    state_settlement(pack=pack, now=begun)
    state_late_money(pack=pack, now=begun)
    for month in pack.billing.months:
        if month == pack.billing.months[-1]:
            with progress.step("Errors, acts and absences"):
                record_findings(pack=pack)
        if pack.interval_accounts:
            with progress.step(f"Interval data {month:%Y-%m}"):
                record_intervals(pack=pack, month=month)
        bill_month(pack=pack, month=month, progress=progress)
        take_payments(pack=pack, month=month, seed=seed, folder=folder, progress=progress)
        if pack.instalments and month == pack.billing.months[0]:
            with progress.step("Instalment plans"):
                make_plans(pack=pack, profile=pack.instalments)
    if pack.late_money.interest:
        with progress.step("Late interest"):
            post_late_interest(pack=pack, now=_instant(pack.billing.today))
    if pack.settlement.payees:
        with progress.step("Settlement with providers"):
            settle_months(pack=pack, now=_instant(pack.billing.today))
    with progress.step("Cash desks"):
        set_up_desks(pack=pack)
    if pack.instalments:
        with progress.step("Look at instalment plans"):
            end_plans(pack=pack, profile=pack.instalments)
    if not _is_indexed():
        with progress.step("Index for search") as step:
            rebuild_search_index(progress=lambda done, _count: step.advance(done - step.done))
    with progress.step("Figures of the dashboard"):
        refresh_turnover()
        refresh_figures(on_date=pack.billing.today, now=_instant(pack.billing.today))
    with progress.step("Turnover statement"):
        following = add_months(pack.billing.today.replace(day=1), 1)
        level = turnover(scope=EVERYTHING, month_from=pack.billing.months[0], month_to=following)
        return JobFigures(months=tuple(_figures(month) for month in pack.billing.months), total=level.total)


def bill_month(*, pack: Pack, month: date, progress: ProgressReport) -> None:
    """Compute daily use and post bills with what was known at the month's cut-off; advances then meet the
    bills.
    """
    known = _instant(pack.billing.cut_off(month))
    run = plan_run(
        month=month,
        cycle=pack.billing.cycle,
        now=known,
        issued_on=pack.billing.issue_date(month),
        due_on=pack.billing.due_date(month),
    )
    with progress.step(f"Daily use and bills {month:%Y-%m}", total=len(Stage) * run.slice_count) as step:

        def on_slice(_stage: Stage, _done: int, _count: int) -> None:
            step.advance()

        summary = post_run(run_id=run.pk, now=known, on_slice=on_slice)
    if not summary.was_posted:
        with progress.step(f"Allocate advances {month:%Y-%m}"):
            allocate_credits(now=known)


def take_payments(*, pack: Pack, month: date, seed: int, folder: Path, progress: ProgressReport) -> None:
    """Write the bank's register of payments for the month's bills, stage it, accept it; the oldest debts
    first.
    """
    name = f"bank-{month:%Y-%m}.csv"
    if has_accepted_register(file_name=name):
        return
    with progress.step(f"Payment register {month:%Y-%m}"), adbc_connect() as connection:
        written = write_payment_register(
            pack=pack, month=month, seed=seed, folder=folder, connection=connection
        )
    if not written.count:
        return
    last_paid_on = written.last_paid_on or pack.billing.issue_date(month)
    now = _instant(min(last_paid_on + timedelta(days=1), pack.billing.today))
    with progress.step(f"Import and allocate {month:%Y-%m}"):
        accept_register(register_id=_staged(written.path, now=now), now=now)


def _staged(path: Path, *, now: datetime) -> int:
    """Id of the register of this file, staged now or by an earlier, interrupted run."""
    try:
        register = stage_register(
            content=path.read_bytes(), file_name=path.name, mapping=load_mapping(REGISTER_MAPPING), now=now
        )
    except UnableToStageRegister as error:
        return int(str(error.params["register_id"]))
    return int(register.pk)


def _is_indexed() -> bool:
    with adbc_connect() as connection:
        found = read_frame("SELECT EXISTS (SELECT FROM reporting_searchtoken) AS full", connection=connection)
    return bool(found["full"][0])


def _figures(month: date) -> MonthFigures:
    with adbc_connect() as connection:
        bills = read_frame(
            "SELECT count(*) AS bills, coalesce(sum(quantity_micro), 0)::bigint AS quantity_micro"
            " FROM billing_bill WHERE month = %(month)s",
            {"month": month},
            connection=connection,
        )
    level = turnover(scope=EVERYTHING, month_from=month, month_to=add_months(month, 1))
    return MonthFigures(
        month=month,
        bills=int(bills["bills"][0]),
        quantity_micro=int(bills["quantity_micro"][0]),
        turnover=level.total,
    )


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
