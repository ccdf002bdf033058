"""`mains plans`: debts that are paid in instalments."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mains.config.cli.actors import find_actor
from mains.config.cli.days import command_time, read_day
from mains.config.cli.debts import account_of, actor_of, minor_of
from mains.config.cli.tables import Column, amount_text, print_table
from mains.config.start import start_django

if TYPE_CHECKING:
    from mains.debt.queries.plan_drafts import Wanted
    from mains.debt.values import PlanKind

app = typer.Typer(no_args_is_help=True)

_TERMS = ("kind", "from", "grace", "second person above", "step", "interest", "late interest", "document")
ACCOUNT = Annotated[str, typer.Argument(help="Number of the account.")]
PLAN = Annotated[int, typer.Argument(help="Number of the plan.")]
KIND = Annotated[str, typer.Option(help="ordinary, enforcement or fixed.")]
START = Annotated[str, typer.Option("--from", help="First day of the plan; today.")]
FIRST = Annotated[str, typer.Option("--first", help="Day on which the first instalment is due.")]
COUNT = Annotated[int, typer.Option(help="Number of instalments.")]
AMOUNT = Annotated[str, typer.Option(help="Or an amount a month, interest included, such as 1500.")]
DOWN = Annotated[str, typer.Option(help="Down payment, due on the first day.")]
DEBTS = Annotated[str, typer.Option(help="Numbers of debts with commas; all that is due when left out.")]
SERVICE = Annotated[str, typer.Option(help="Of this service only.")]
REPLACES = Annotated[int, typer.Option(help="Plan whose rest this one takes over.")]
BY = Annotated[str, typer.Option(help="User name of who does it.")]


@app.callback()
def plans() -> None:
    """Debts that are paid in instalments: agreed, watched, broken by themselves, restructured."""


@app.command()
def terms(
    kind: KIND = "",
    grace: Annotated[int, typer.Option(help="Days after which an unpaid instalment breaks the plan.")] = 0,
    above: Annotated[str, typer.Option(help="A second person approves plans above this amount.")] = "0",
    step: Annotated[str, typer.Option(help="Instalments are whole multiples of this.")] = "0.01",
    rests: Annotated[bool, typer.Option(help="Late interest rests while a plan is kept.")] = False,
    interest: Annotated[
        Path | None,
        typer.Option("--interest", help="File with the rule of the plan's own interest.", exists=True),
    ] = None,
    day_from: Annotated[str, typer.Option("--from", help="For plans made from this day on.")] = "",
    proof: Annotated[str, typer.Option(help="The document.")] = "",
    by: BY = "",
) -> None:
    """Show the terms of plans, or state them for a kind."""
    start_django()
    from mains.debt.actions.plans import state_plan_terms
    from mains.debt.queries.plans import list_plan_terms

    if kind:
        state_plan_terms(
            kind=_kind(kind),
            grace_days=grace,
            approval_above_minor=minor_of(above),
            step_minor=minor_of(step),
            rests=rests,
            interest_document=interest.read_text(encoding="utf-8") if interest else "",
            valid_from=read_day(day_from, option="--from"),
            proof=proof,
            actor=find_actor(by),
            now=command_time(),
        )
    print_table(
        [Column(title) for title in _TERMS],
        [
            (
                one.kind.value,
                one.valid_from,
                one.grace_days,
                amount_text(one.approval_above_minor),
                amount_text(one.step_minor),
                "by a rule" if one.interest_document else "none",
                "rests" if one.rests else "goes on",
                one.proof,
            )
            for one in list_plan_terms()
        ],
        empty="No terms are stated.",
    )  # fmt: skip


@app.command()
def preview(
    account: ACCOUNT, first: FIRST, kind: KIND = "ordinary", day_from: START = "", count: COUNT = 0,
    amount: AMOUNT = "", down: DOWN = "0", debts: DEBTS = "", service: SERVICE = "", replaces: REPLACES = 0,
) -> None:  # fmt: skip
    """Show the instalments of a plan; nothing is kept."""
    start_django()
    from mains.debt.queries.plan_drafts import draft_plan

    draft = draft_plan(_wanted(account, kind, day_from, first, count, amount, down, debts, service, replaces))
    _print_schedule(
        [(one.number, one.due_date, one.principal_minor, one.interest_minor) for one in draft.schedule]
    )
    typer.echo(
        f"Debt {amount_text(draft.debt_minor)}, interest {amount_text(draft.interest_minor)},"
        f" in all {amount_text(draft.total_minor)}."
        + (" A second person approves it." if draft.needs_approval else "")
    )


@app.command()
def propose(
    account: ACCOUNT, *, first: FIRST, reason: Annotated[str, typer.Option(help="Why.")], by: BY,
    kind: KIND = "ordinary", day_from: START = "", count: COUNT = 0, amount: AMOUNT = "", down: DOWN = "0",
    debts: DEBTS = "", service: SERVICE = "", replaces: REPLACES = 0,
    document: Annotated[str, typer.Option(help="Agreement, or document of the court or bailiff.")] = "",
) -> None:  # fmt: skip
    """Make a plan; it holds at once, or when a second person approves it."""
    start_django()
    from mains.debt.actions.plans import propose_plan
    from mains.debt.queries.plans import find_plan
    from mains.debt.values import PlanState
    from mains.staff.values import EVERYTHING

    plan = propose_plan(
        wanted=_wanted(account, kind, day_from, first, count, amount, down, debts, service, replaces),
        reason=reason,
        document=document,
        now=command_time(),
        actor_id=actor_of(by),
    )
    made = find_plan(plan_id=plan.pk, scope=EVERYTHING, today=read_day(""))
    assert made is not None
    waits = made.state is PlanState.WAITING
    typer.echo(f"Plan {plan.pk} " + ("waits for approval." if waits else "holds."))


@app.command()
def decide(
    plan: PLAN,
    by: BY,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it.")] = False,
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Approve a plan that waits, or refuse it."""
    start_django()
    from mains.debt.actions.plans import decide_plan
    from mains.staff.queries.approvals import find_waiting
    from mains.staff.values import ProposalKind

    decide_plan(
        proposal_id=find_waiting(kind=ProposalKind.INSTALMENT_PLAN, subject_id=plan) or 0,
        agrees=not refuse,
        note=note,
        now=command_time(),
        actor_id=actor_of(by),
    )
    typer.echo(f"Plan {plan} is refused." if refuse else f"Plan {plan} holds.")


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="running, late, broken, paid, waiting …")] = "",
    kind: KIND = "",
) -> None:
    """List plans, the latest first."""
    start_django()
    from mains.debt.queries.plans import PlanFilter, list_plans
    from mains.staff.values import EVERYTHING

    found = list_plans(
        scope=EVERYTHING, chosen=PlanFilter(state=state, kind=kind), today=read_day(""), limit=500
    )
    print_table(
        [
            *(Column(title) for title in ("plan", "account", "kind", "from", "state", "since")),
            *(Column(title, is_number=True) for title in ("debt", "paid", "late")),
            Column("next due"),
        ],
        [
            (
                one.id,
                one.number,
                one.kind,
                one.start_date,
                one.state.value,
                one.since,
                amount_text(one.debt_minor),
                amount_text(one.course.paid_minor if one.course else 0),
                amount_text(one.late_minor),
                one.course.next_due.part.due_date if one.course and one.course.next_due else "-",
            )
            for one in found
        ],
        empty="No plans.",
    )


@app.command()
def show(plan: PLAN) -> None:
    """Show a plan's instalments and how it stood when."""
    start_django()
    from mains.debt.queries.plans import find_plan, list_plan_notes, list_plan_schedule
    from mains.staff.values import EVERYTHING

    found = find_plan(plan_id=plan, scope=EVERYTHING, today=read_day(""))
    if found is None:
        raise typer.BadParameter(f"There is no plan {plan}.")
    typer.echo(f"Plan {plan} of account {found.number}: {found.state.value} since {found.since}.")
    _print_schedule(list_plan_schedule(plan_id=plan))
    for row in found.course.rows if found.course else ():
        told = f"paid on {row.paid_on}" if row.paid_on else "late" if row.is_late else "to come"
        typer.echo(f"{row.part.number}: {amount_text(row.paid_minor)} {told}")
    for state, since, left, noted in list_plan_notes(plan_id=plan):
        typer.echo(f"{noted:%Y-%m-%d %H:%M} {state.value} since {since}, left {amount_text(left)}")


@app.command()
def cancel(plan: PLAN, reason: Annotated[str, typer.Option(help="Why.")], by: BY) -> None:
    """End a plan today: what is left is due as before."""
    start_django()
    from mains.debt.actions.plans import cancel_plan

    cancel_plan(plan_id=plan, reason=reason, now=command_time(), actor_id=actor_of(by))
    typer.echo(f"Plan {plan} is cancelled.")


@app.command()
def look() -> None:
    """Break plans whose grace is over, mend those whose money was there in time, post interest that fell due."""
    start_django()
    from mains.debt.actions.plan_settling import look_at_plans

    made = look_at_plans(now=command_time())
    typer.echo(
        f"{made.plans} plans, {made.changed} changed, {made.broken} broken;"
        f" interest posted {amount_text(made.interest_minor)}."
    )


@app.command()
def check() -> None:
    """Compute all plans anew and compare with what is kept; exit code 1 when they differ."""
    start_django()
    from mains.debt.queries.plans import list_deviations

    found = list_deviations(today=read_day(""))
    for one in found:
        typer.echo(
            f"plan {one.plan_id}: noted {one.noted}, the facts say {one.state.value} since {one.since}"
        )
    typer.echo(f"{len(found)} plans stand otherwise than noted." if found else "All plans stand as noted.")
    if found:
        raise typer.Exit(1)


@app.command()
def pdf(
    plan: PLAN,
    out: Annotated[Path, typer.Option(help="Where the file goes.")],
    language: Annotated[str, typer.Option(help="The customer's when left out.")] = "",
) -> None:
    """Write the agreement as PDF."""
    start_django()
    from mains.reporting.queries.plan_paper import plan_pdf

    out.write_bytes(plan_pdf(plan_id=plan, today=read_day(""), language=language or None))
    typer.echo(f"Written: {out}")


def _wanted(
    account: str, kind: str, day_from: str, first: str, count: int, amount: str, down: str, debts: str,
    service: str, replaces: int,
) -> "Wanted":  # fmt: skip
    from mains.debt.queries.open_debts import list_open_debts
    from mains.debt.queries.plan_drafts import Wanted

    start = read_day(day_from, option="--from")
    account_id = account_of(account)
    chosen = tuple(int(one) for one in debts.split(",") if one.strip().isdecimal()) if debts else None
    if service and chosen is None:
        found = list_open_debts(account_id=account_id, today=start)
        chosen = tuple(one.item_id for one in found if one.service == service and one.due_date <= start)
    return Wanted(
        account_id=account_id,
        kind=_kind(kind),
        start_date=start,
        first_due=read_day(first, option="--first"),
        count=count or None,
        amount_minor=minor_of(amount) if amount else None,
        down_minor=minor_of(down) if Decimal(down or 0) else 0,
        item_ids=chosen,
        replaces_id=replaces or None,
    )


def _kind(kind: str) -> "PlanKind":
    from mains.debt.values import PlanKind

    if kind not in PlanKind.values:
        raise typer.BadParameter(f"One of: {', '.join(PlanKind.values)}.")
    return PlanKind(kind)


def _print_schedule(schedule: Sequence[tuple[int, date, int, int]]) -> None:
    print_table(
        [
            Column("no."),
            Column("due"),
            *(Column(title, is_number=True) for title in ("debt", "interest", "to pay")),
        ],
        [
            (number or "down", due, amount_text(debt), amount_text(interest), amount_text(debt + interest))
            for number, due, debt, interest in schedule
        ],
        empty="No instalments.",
    )
