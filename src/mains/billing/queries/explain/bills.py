"""Explanations of bills: each line from its amount down to readings, facts and tariff clauses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.utils.translation import gettext as _

from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain.carried import kept_of
from mains.billing.queries.explain.cause_kinds import Cause
from mains.billing.queries.explain.causes import bill_causes
from mains.billing.queries.explain.evidence import Item, held_items, left_items, load_items
from mains.billing.queries.explain.items import RatedItem, rate_items, title_of
from mains.billing.queries.explain.results import BalanceExplanation, BillExplanation, LineExplanation
from mains.billing.queries.explain.trees import traced
from mains.billing.values import RunKind, bill_number
from mains.engine.exact import show
from mains.engine.exact.explanation import Step, unit_text
from mains.engine.exact.protocol import Line
from mains.kernel.errors import MainsError
from mains.staff.values import Scope


class UnableToExplain(MainsError):
    """There is no such bill, or what is stored does not follow from the facts."""


def explain_bill(*, month: date, bill_id: int, reader: Scope | None = None) -> BillExplanation:
    """Every line of a bill, computed again from the facts its run knew.

    Where a share of a house's remainder is explained, neighbours are named one by one only for a `reader` of the
    utility, and only within that scope; without one, as in all that a customer gets, they are one sum.
    Raises UnableToExplain when there is no such bill or a stored amount does not follow from the facts.
    """
    bill = get_bill(month=month, bill_id=bill_id)
    lines = list(BillLine.objects.filter(month=month, bill_id=bill_id).order_by("line"))
    rated: dict[date, Mapping[int, RatedItem]] = {}
    explained = tuple(_explain(bill, lines, lines, rated, reader))
    currency = explained[0].tree.unit if explained else ""
    balances = tuple(balance for item in rated.get(month, {}).values() for balance in _balances(item))
    number = bill_number(month, bill_id)
    return BillExplanation(number, bill.amount_minor, currency, explained, balances, rated)


def explain_line(*, month: date, bill_id: int, line: int, reader: Scope | None = None) -> LineExplanation:
    """One line of a bill, with neighbours as in `explain_bill`. Raises UnableToExplain."""
    bill = get_bill(month=month, bill_id=bill_id)
    lines = list(BillLine.objects.filter(month=month, bill_id=bill_id).order_by("line"))
    found = next(_explain(bill, lines, [each for each in lines if each.line == line], {}, reader), None)
    if found is None:
        raise _unable(bill, f"The bill has no line {line}.", f"It has lines 1 to {len(lines)}.")
    return found


def explain_causes(*, month: date, bill_id: int) -> dict[tuple[date, int], tuple[Cause, ...]]:
    """The facts that a bill's corrections come from, by month of use and service point. Raises UnableToExplain."""
    return bill_causes(get_bill(month=month, bill_id=bill_id))


def explain_bill_line(*, month: date, bill_id: int, line: int, reader: Scope | None = None) -> Step:
    """The tree of one line of a bill, with neighbours as in `explain_bill`. Raises UnableToExplain."""
    return explain_line(month=month, bill_id=bill_id, line=line, reader=reader).tree


def get_bill(*, month: date, bill_id: int) -> Bill:
    """The bill, or UnableToExplain."""
    bill = Bill.objects.filter(month=month, id=bill_id).first()
    if bill is None:
        raise UnableToExplain(
            code="no-bill",
            message=f"There is no bill {bill_number(month, bill_id)}.",
            remedy="Compare the number with the bill.",
        )
    return bill


def posted_before(*, bill: Bill, keys_of: set[tuple[int, date]]) -> list[tuple[date, BillLine]]:
    """Lines of what was billed to the account before this bill for these agreements and months of use, with their
    bill's month."""
    earlier = Bill.objects.filter(account_id=bill.account_id, recorded_at__lt=bill.recorded_at)
    found: list[tuple[date, BillLine]] = []
    for month, bill_id in sorted(earlier.values_list("month", "id")):
        lines = BillLine.objects.filter(month=month, bill_id=bill_id).order_by("line")
        found += [(month, line) for line in lines if (line.agreement_id, line.service_month) in keys_of]
    return found


def agreements_begun(*, account_id: int, month: date, before: datetime) -> frozenset[int]:
    """Agreements of which a final settlement or an on-site bill, known before an instant, billed a part of the month:
    the month's own bill has the rest."""
    settlements = BillRun.objects.filter(
        kind__in=(RunKind.SETTLEMENT, RunKind.ON_SITE),
        account_id=account_id,
        month=month,
        facts_as_of__lt=before,
    )
    ids = list(settlements.values_list("first_bill_id", flat=True))
    if not ids:
        return frozenset()
    lines = BillLine.objects.filter(month=month, bill_id__in=ids, service_month=month)
    return frozenset(lines.values_list("agreement_id", flat=True))


def _explain(
    bill: Bill,
    lines: Sequence[BillLine],
    wanted: Sequence[BillLine],
    rated: dict[date, Mapping[int, RatedItem]],
    reader: Scope | None,
) -> Iterator[LineExplanation]:
    """The wanted lines in order; the items behind them are put into `rated`."""
    run = BillRun.objects.get(id=bill.run_id)
    begun = agreements_begun(account_id=bill.account_id, month=bill.month, before=bill.recorded_at)
    corrected = {
        (line.agreement_id, line.service_month)
        for line in wanted
        if line.service_month < bill.month or line.agreement_id in begun
    }
    earlier = posted_before(bill=bill, keys_of=corrected) if corrected else []
    causes = bill_causes(bill) if corrected else {}
    for line in wanted:
        if line.service_month not in rated:
            items = _items_of(run, bill, line.service_month)
            rated[line.service_month] = rate_items(items, reader=reader)
            _prove_left(bill, rated[line.service_month].values())
        item = rated[line.service_month].get(line.agreement_id)
        computed = None
        if (line.agreement_id, line.service_month) not in corrected:
            computed, tree = _own_line(bill, item, line, _place_of(lines, line))
        else:
            tree = _correction(bill, item, line, earlier)
        title = title_of(item, line.component)
        because = causes.get((line.service_month, line.service_point_id), ())
        yield LineExplanation(
            line.line, title, line.service_month, line.amount_minor, tree, line, computed, because
        )


def _items_of(run: BillRun, bill: Bill, month: date) -> tuple[Item, ...]:
    """What the run billed, or corrected, of a month."""
    until = None
    if run.kind == RunKind.ON_SITE and month == bill.month:
        assert run.billed_through is not None  # of every on-site bill
        until = run.billed_through + timedelta(days=1)
    items = load_items(account_ids=[bill.account_id], month=month, as_of=run.facts_as_of, until=until)
    if until is not None:
        return held_items(items)
    if run.kind != RunKind.MONTHLY and month == bill.month:
        return left_items(items)  # what the account goes on paying for is not on a final bill
    return items


def _prove_left(bill: Bill, items: Iterable[RatedItem]) -> None:
    """What the items leave must be what was kept: the next bill opened with that."""
    for rated in items:
        item = rated.item
        kept = kept_of(item.carried, agreement_id=item.agreement_id, month=item.service_month)
        for name, value in rated.left().items():
            if kept.get(name) != value:
                was = show(kept[name]) if name in kept else "–"
                raise _unable(
                    bill,
                    f"{item.service_month:%Y-%m} leaves {show(value)} of {name} by the facts, and {was} was kept.",
                    "Report this bill; `mains replay` shows the difference.",
                )


def _balances(rated: RatedItem) -> Iterator[BalanceExplanation]:
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    left = rated.left()
    for name, unit in edition.tariff.balances.items():
        title = title_of(rated, name)
        line = next(
            (line for line in rated.protocol.lines if (line.kind, line.component) == ("balance", name)), None
        )
        tree = Step(title, left[name], unit_text(unit)) if line is None else traced(line, rated)
        yield BalanceExplanation(
            name=name,
            title=title,
            agreement_id=rated.item.agreement_id,
            service_point_id=rated.item.service_point_id,
            value=left[name],
            unit=unit_text(unit),
            tree=tree,
        )


def _place_of(lines: Sequence[BillLine], line: BillLine) -> int:
    """Which of its agreement's own lines this is."""
    own = [each for each in lines if _same_item(each, line)]
    return own.index(line)


def _same_item(one: BillLine, other: BillLine) -> bool:
    return (one.agreement_id, one.service_month) == (other.agreement_id, other.service_month)


def _own_line(bill: Bill, rated: RatedItem | None, line: BillLine, place: int) -> tuple[Line, Step]:
    computed = list(rated.lines()) if rated else []
    found = computed[place] if place < len(computed) else None
    if (
        rated is None
        or found is None
        or (found.component, found.amount_minor) != (line.component, line.amount_minor)
    ):
        raise _unable(
            bill,
            f"Line {line.line} ({line.component}) does not follow from the facts.",
            "Report this bill; `mains replay` shows the difference.",
        )
    return found, traced(found, rated)


def _correction(
    bill: Bill, rated: RatedItem | None, line: BillLine, earlier: Sequence[tuple[date, BillLine]]
) -> Step:
    """What the facts now say for the month, less each amount posted for it before."""
    key = (line.agreement_id, line.service_month, line.component, line.kind)
    now = [each for each in rated.lines() if (each.component, each.kind) == key[2:]] if rated else []
    currency = rated.protocol.currency if rated else ""
    scale = rated.protocol.posting_scale if rated else 100
    children = [traced(each, rated) for each in now if rated]
    amount = sum(each.amount_minor or 0 for each in now)
    for month, posted in earlier:
        if (posted.agreement_id, posted.service_month, posted.component, posted.kind) == key:
            amount -= posted.amount_minor
            children.append(
                Step(
                    _("posted before"),
                    Fraction(-posted.amount_minor, scale),
                    currency,
                    source=f"bill {bill_number(month, posted.bill_id)}",
                )
            )
    if amount != line.amount_minor:
        raise _unable(
            bill,
            f"Line {line.line} corrects by {line.amount_minor}, the facts give {amount} minor units.",
            "Report this bill; `mains replay` shows the difference.",
        )
    return Step(
        label=(
            _("correction of %(month)s: %(title)s")
            if line.service_month < bill.month
            else _("rest of %(month)s: %(title)s")
        )
        % {"month": f"{line.service_month:%Y-%m}", "title": title_of(rated, line.component)},
        value=Fraction(amount, scale),
        unit=currency,
        formula=_("what the facts say now − what was posted before"),
        children=tuple(children),
    )


def _unable(bill: Bill, message: str, remedy: str) -> UnableToExplain:
    return UnableToExplain(
        code="bill-not-explained",
        message=message,
        place=f"bill {bill_number(bill.month, bill.id)}",
        remedy=remedy,
    )
