"""Explanations of bills: each line from its amount down to readings, facts and tariff clauses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain.carried import kept_of
from mains.billing.queries.explain.causes import Cause, bill_causes
from mains.billing.queries.explain.evidence import Item, left_items, load_items
from mains.billing.queries.explain.facts import facts_of, intervals_of
from mains.billing.queries.explain.intervals import ORIGIN, ItemIntervals
from mains.billing.queries.explain.shares import share_origins
from mains.billing.queries.explain.usage import DailyUse, daily_use
from mains.billing.values import COMMON_USE, FED_IN, LineKind, RunKind, bill_number
from mains.engine.exact import rate_exact, show
from mains.engine.exact.explanation import Step, unit_text
from mains.engine.exact.protocol import Line, Protocol
from mains.engine.facts import Facts
from mains.kernel.errors import MainsError
from mains.network.values import UNIT_OF_SERVICE
from mains.staff.values import Scope

_CLAUSES = ("versions[", "prices.", "components[", "total")
"""How the engine's sources begin when they name a clause of the tariff."""

Key = tuple[int, date, str, str]
"""Agreement, month of use, component, kind: what a posted amount is counted under."""


class UnableToExplain(MainsError):
    """There is no such bill, or what is stored does not follow from the facts."""


@dataclass(frozen=True)
class RatedItem:
    """An item with its exact protocol and the facts that it was rated from.

    `reader`: whose scope says which neighbours the trees may name; None is the customer, who is shown none. `intervals`
    are there where the tariff reads them.
    """

    item: Item
    use: DailyUse
    facts: Facts
    protocol: Protocol
    reader: Scope | None = None
    intervals: ItemIntervals | None = None

    def lines(self) -> Iterator[Line]:
        """The protocol's lines that a bill keeps, in the bill's order."""
        return (line for line in self.protocol.lines if line.kind in LineKind.values)

    def left(self) -> dict[str, Fraction]:
        """What the item leaves of each balance of its tariff."""
        assert self.item.edition is not None  # only items with a tariff are rated
        found = dict.fromkeys(self.item.edition.tariff.balances, Fraction(0))
        for line in self.protocol.lines:
            if line.kind == "balance":
                found[line.component] += line.value
        return found

    def effective(self) -> dict[Key, int]:
        """Amount in minor units under each key of the item."""
        sums: dict[Key, int] = {}
        for line in self.lines():
            key = (self.item.agreement_id, self.item.service_month, line.component, line.kind)
            sums[key] = sums.get(key, 0) + (line.amount_minor or 0)
        return sums


@dataclass(frozen=True)
class LineExplanation:
    """One line of a bill as posted, with the tree that makes it.

    `posted` is the stored row; `computed` the protocol's line behind it, None where the line is a correction; `causes`
    are the facts that a correction comes from.
    """

    line: int
    title: str
    service_month: date
    amount_minor: int
    tree: Step
    posted: BillLine
    computed: Line | None = None
    causes: tuple[Cause, ...] = ()

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        data: dict[str, object] = {
            "line": self.line,
            "title": self.title,
            "service_month": self.service_month.isoformat(),
            "amount_minor": self.amount_minor,
        }
        if self.causes:
            data["causes"] = [cause.to_data() for cause in self.causes]
        return data | {"explanation": self.tree.to_data()}


@dataclass(frozen=True)
class BalanceExplanation:
    """What the bill leaves to the next of one balance of an agreement's tariff, with the tree that makes it."""

    name: str
    title: str
    agreement_id: int
    service_point_id: int
    value: Fraction
    unit: str
    tree: Step

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/schemas/bill-explanation.schema.json."""
        return {
            "balance": self.name,
            "title": self.title,
            "agreement_id": self.agreement_id,
            "service_point_id": self.service_point_id,
            "value": show(self.value),
            "unit": self.unit,
            "explanation": self.tree.to_data(),
        }


@dataclass(frozen=True)
class BillExplanation:
    """All lines of a bill, and what it leaves to the next. `rated` are the items behind them by month of use and
    agreement."""

    number: str
    amount_minor: int
    currency: str
    lines: tuple[LineExplanation, ...]
    balances: tuple[BalanceExplanation, ...] = ()
    rated: Mapping[date, Mapping[int, RatedItem]] = field(default_factory=dict, compare=False, repr=False)

    def to_data(self) -> dict[str, object]:
        """JSON-ready; schema in docs/bill-explained.md."""
        data: dict[str, object] = {
            "bill": self.number,
            "currency": self.currency,
            "amount_minor": self.amount_minor,
            "lines": [each.to_data() for each in self.lines],
        }
        if self.balances:
            data["balances"] = [each.to_data() for each in self.balances]
        return data


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


def rate_items(items: Sequence[Item], *, reader: Scope | None = None) -> dict[int, RatedItem]:
    """Rate items exactly; by agreement. Items without a tariff in force are left out."""
    rated = {}
    for item in items:
        if item.edition is not None:
            use = daily_use(item, unit=UNIT_OF_SERVICE[item.point["service"]])
            intervals = intervals_of(item)
            facts = facts_of(item, use, intervals)
            protocol = rate_exact(tariff=item.edition.tariff, facts=facts)
            rated[item.agreement_id] = RatedItem(item, use, facts, protocol, reader, intervals)
    return rated


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
    """Agreements of which a final settlement, known before an instant, billed a part of the month: the month's own bill
    has the rest."""
    settlements = BillRun.objects.filter(
        kind=RunKind.SETTLEMENT, account_id=account_id, month=month, facts_as_of__lt=before
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
            items = load_items(account_ids=[bill.account_id], month=line.service_month, as_of=run.facts_as_of)
            if run.kind != RunKind.MONTHLY and line.service_month == bill.month:
                items = left_items(items)  # what the account goes on paying for is not on a final bill
            rated[line.service_month] = rate_items(items, reader=reader)
            _prove_left(bill, rated[line.service_month].values())
        item = rated[line.service_month].get(line.agreement_id)
        computed = None
        if (line.agreement_id, line.service_month) not in corrected:
            computed, tree = _own_line(bill, item, line, _place_of(lines, line))
        else:
            tree = _correction(bill, item, line, earlier)
        title = _title(item, line.component)
        because = causes.get((line.service_month, line.service_point_id), ())
        yield LineExplanation(
            line.line, title, line.service_month, line.amount_minor, tree, line, computed, because
        )


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
        title = _title(rated, name)
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
        % {"month": f"{line.service_month:%Y-%m}", "title": _title(rated, line.component)},
        value=Fraction(amount, scale),
        unit=currency,
        formula=_("what the facts say now − what was posted before"),
        children=tuple(children),
    )


def traced(line: Line, rated: RatedItem) -> Step:
    """The line's tree with readings below its use, records below its attributes, and the tariff named."""
    attributes = {
        name: value
        for name, values in rated.facts.attributes.items()
        for value in values
        if value.holds_on(line.from_date)
    }
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    read = set(edition.tariff.read_attributes)

    def trace(step: Step, *, in_condition: bool = False) -> Step:
        # What the last bill left, and not the component of the same name.
        if step.label in edition.tariff.balances and step.source == attributes[step.label].source:
            return _carried_step(step.label)
        in_condition = in_condition or isinstance(step.value, bool)
        children = tuple(trace(child, in_condition=in_condition) for child in step.children)
        if (told := _use_origins(step.source, line, rated)) is not None:
            return replace(step, source="", children=(*children, *told))
        if step.source == COMMON_USE:
            # Told in full where it is priced, not in the condition.
            shares = (
                ()
                if in_condition
                else share_origins(
                    rated.item, from_date=line.from_date, to_date=line.to_date, reader=rated.reader
                )
            )
            return replace(step, source="", children=(*children, *shares))
        if step.source.startswith("component "):
            # Figures and quantities have no line on the bill: their own calculation stands here.
            parts = _figures(rated, step.source.split()[1].rstrip(","), line)
            if len(parts) > 1:
                return _of_parts(step, parts, rated)
            if parts:
                return trace(replace(parts[0].explanation, label=_named(rated, step.label)))
        if step.source.startswith(_CLAUSES):
            return replace(step, source=f"tariff {edition.code}, {step.source}", children=children)
        return replace(step, children=children)

    def _carried_step(name: str) -> Step:
        value, unit = attributes[name], edition.tariff.balances[name]
        return Step(fact_title(rated, name), value.value, unit_text(unit), formula=name, source=value.source)

    known = tuple(
        _carried_step(name)
        if name in edition.tariff.balances
        else Step(name, value.value, source=value.source)
        for name, value in sorted(attributes.items())
        if name in read
    )
    tree = trace(line.explanation)
    return replace(
        tree,
        label=_title(rated, line.component),
        children=(*tree.children, *([_facts_step(known)] if known else [])),
    )


def _use_origins(source: str, line: Line, rated: RatedItem) -> tuple[Step, ...] | None:
    """What use comes from that has this source: intervals, or readings; None where the source is of no use."""
    days = {"from_date": line.from_date, "to_date": line.to_date}
    if source.startswith(ORIGIN) and rated.intervals is not None:
        names = [name.removeprefix(ORIGIN) for name in source.split(", ")]
        found = [rated.intervals.origins(name=name, **days) for name in names]
        return tuple(step for steps in found for step in steps)
    if source == FED_IN:
        return rated.use.origins(name=FED_IN, **days)
    if source.startswith("usage"):
        # The sum of several zones names all of them.
        return rated.use.origins(name="usage" if "," in source else source, **days)
    return None


def _figures(rated: RatedItem, component: str, line: Line) -> list[Line]:
    """The lines of a quantity or figure that a line reads: the one of the same days, or those within."""
    found = [
        each
        for each in rated.protocol.lines
        if each.component == component and each.kind not in LineKind.values
    ]
    own = [each for each in found if (each.from_date, each.to_date) == (line.from_date, line.to_date)]
    of_days = [each for each in found if each.from_date < line.to_date and line.from_date < each.to_date]
    return own[:1] or of_days or found[:1]


def _of_parts(step: Step, parts: Sequence[Line], rated: RatedItem) -> Step:
    """A value that a line reads as a whole, with the tree of each part of the period."""
    children = []
    for each in parts:
        tree = traced(each, rated)
        days = f"{each.from_date} – {each.to_date - timedelta(days=1)}"
        children.append(replace(tree, label=f"{tree.label}, {days}"))
    is_sum = sum(each.value for each in parts) == step.value
    return replace(
        step,
        label=_named(rated, step.label),
        source="",
        formula=_("sum of its parts") if is_sum else _("mean by days"),
        children=tuple(children),
    )


def _facts_step(known: tuple[Step, ...]) -> Step:
    return Step(
        _("facts that choose the price"), ", ".join(str(step.label) for step in known), children=known
    )


def fact_title(rated: RatedItem, name: str) -> str:
    """What a fact that the tariff reads is called: of a balance the component's title, else the name itself."""
    if rated.item.edition is None or name not in rated.item.edition.tariff.balances:
        return name
    return _("carried: %(title)s") % {"title": _title(rated, name)}


def _named(rated: RatedItem, label: str) -> str:
    """A component inside a formula: its title, and the name by which the formula above it speaks of it."""
    title = _title(rated, label)
    return label if title == label else f"{title} ({label})"


def _title(rated: RatedItem | None, component: str) -> str:
    """The component's name in the reader's language, as the tariff gives it."""
    if rated is None or rated.item.edition is None:
        return component
    for version in reversed(rated.item.edition.tariff.versions):
        found = version.by_name.get(component)
        if found is not None and found.title:
            language = (get_language() or "en").split("-")[0]
            return found.title.get(language) or found.title.get("en") or component
    return component


def _unable(bill: Bill, message: str, remedy: str) -> UnableToExplain:
    return UnableToExplain(
        code="bill-not-explained",
        message=message,
        place=f"bill {bill_number(bill.month, bill.id)}",
        remedy=remedy,
    )
