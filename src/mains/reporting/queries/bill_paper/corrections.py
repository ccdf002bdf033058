"""Recalculations of earlier months on a bill, and what caused them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import groupby

from mains.billing.queries.explain import BillExplanation, LineExplanation
from mains.billing.queries.explain.evidence import load_items
from mains.billing.queries.explain.items import RatedItem, fact_title, rate_items
from mains.engine.facts import AttributeValue
from mains.engine.usage.exact import DayUse, MeterError, Reading, UnmeteredUse
from mains.metering.values import DayQuality, Zone, quality_of
from mains.reporting.queries.bill_paper.charges import readable_title, used_attributes

ESTIMATES = (
    DayQuality.FORECAST,
    DayQuality.CLASS_AVERAGE,
    DayQuality.NORM,
    DayQuality.INTERVALS_ESTIMATED,
)


@dataclass(frozen=True, kw_only=True)
class UseChanged:
    """Other readings than before. `reading` is the one that settled it, None where the forecast itself changed.

    `was_forecast`: the days had been forecast. `by_reading`: they come from other readings; `by_finding`: an error of
    the meter or an act counts, or no longer does. `difference_micro` is the use now less the use before.
    """

    reading: Reading | None
    was_forecast: bool
    by_reading: bool
    by_finding: bool
    difference_micro: int


@dataclass(frozen=True, kw_only=True)
class AttributeChanged:
    """A fact that the price depends on is now believed to be another, from `since` on."""

    name: str
    before: AttributeValue | None
    now: AttributeValue | None
    since: date


@dataclass(frozen=True)
class TariffChanged:
    """The tariff was published anew."""


@dataclass(frozen=True)
class AgreementChanged:
    """The month was billed under other agreements, or not at all."""


Cause = UseChanged | AttributeChanged | TariffChanged | AgreementChanged


@dataclass(frozen=True, kw_only=True)
class CorrectedLine:
    """What was posted before for a component, and what the facts say now, in minor units."""

    title: str
    kind: str
    before_minor: int
    now_minor: int


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A month of use recalculated for one service point, whichever agreements it was billed under."""

    service_month: date
    service_point_id: int
    lines: tuple[CorrectedLine, ...]
    causes: tuple[Cause, ...]


def list_corrections(
    *, explained: BillExplanation, account_id: int, known_before: datetime | None
) -> tuple[Correction, ...]:
    """The bill's corrections, the latest month first, compared with what was known at `known_before`; also of its own
    month, where a final settlement had billed a part of it.

    Where a month was only moved from one agreement to another and comes to the same, there is nothing to tell.
    """
    found = []
    corrected = [line for line in explained.lines if line.computed is None]
    corrected.sort(
        key=lambda line: (-line.service_month.toordinal(), line.posted.service_point_id, line.line)
    )
    for service_month, lines_of_month in groupby(corrected, key=lambda line: line.service_month):
        before = _of_points(_rated_before(account_id, service_month, known_before))
        now = _of_points(explained.rated[service_month])
        for point_id, lines in groupby(lines_of_month, key=lambda line: line.posted.service_point_id):
            merged = tuple(_merged(lines))
            if any(line.before_minor != line.now_minor for line in merged):
                causes = tuple(_causes(before.get(point_id), now.get(point_id)))
                found.append(
                    Correction(
                        service_month=service_month, service_point_id=point_id, lines=merged, causes=causes
                    )
                )
    return tuple(found)


def _of_points(rated: Mapping[int, RatedItem]) -> dict[int, RatedItem]:
    """Items by service point; the first of a point with several."""
    found: dict[int, RatedItem] = {}
    for _agreement_id, item in sorted(rated.items()):
        found.setdefault(item.item.service_point_id, item)
    return found


def _merged(lines: Iterable[LineExplanation]) -> Iterator[CorrectedLine]:
    """One line per component: agreements that took over from one another are one matter to the customer."""
    by_component: dict[tuple[str, str], list[LineExplanation]] = {}
    for line in lines:
        by_component.setdefault((line.posted.component, line.posted.kind), []).append(line)
    for (component, kind), same in by_component.items():
        before_minor = sum(_before_minor(line) for line in same)
        yield CorrectedLine(
            title=readable_title(next((line for line in same if line.title != component), same[0])),
            kind=kind,
            before_minor=before_minor,
            now_minor=before_minor + sum(line.amount_minor for line in same),
        )


def _rated_before(
    account_id: int, service_month: date, known_before: datetime | None
) -> Mapping[int, RatedItem]:
    if known_before is None:
        return {}
    return rate_items(load_items(account_ids=[account_id], month=service_month, as_of=known_before))


def _before_minor(line: LineExplanation) -> int:
    """What earlier bills posted for the line."""
    posted = (child for child in line.tree.children if child.source.startswith("bill "))
    return -int(sum(child.value for child in posted if isinstance(child.value, Fraction)) * 100)


def _causes(before: RatedItem | None, now: RatedItem | None) -> Iterator[Cause]:
    if before is None or now is None or _period(before) != _period(now):
        yield AgreementChanged()
    if before is None or now is None:
        return
    use = _use_changed(before, now)
    if use is not None:
        yield use
    yield from _attributes_changed(before, now)
    if before.item.edition != now.item.edition:
        yield TariffChanged()


def _period(rated: RatedItem) -> tuple[date, date]:
    return rated.item.period_from, rated.item.period_to


def _use_changed(before: RatedItem, now: RatedItem) -> UseChanged | None:
    old, new = _days(before), _days(now)
    changed = [key for key in sorted(old.keys() | new.keys()) if _use(old.get(key)) != _use(new.get(key))]
    if not changed:
        return None
    was_forecast = any(key in old and _is_estimate(old[key]) for key in changed)
    is_read = [new[key] for key in changed if key in new and not _is_estimate(new[key])]
    closing = [part.closing for day in is_read for part in day.parts if part.closing is not None]
    return UseChanged(
        reading=max(closing, key=lambda reading: reading.reading_date, default=None),
        was_forecast=was_forecast,
        by_reading=any(_readings(old.get(key)) != _readings(new.get(key)) for key in changed),
        by_finding=any(_findings(old.get(key)) != _findings(new.get(key)) for key in changed),
        difference_micro=sum(_use(new.get(key)) - _use(old.get(key)) for key in changed),
    )


def _readings(day: DayUse | None) -> set[tuple[str, Reading | None, Reading | None]]:
    parts = day.parts if day else ()
    return {(part.quality, part.opening, part.closing) for part in parts if part.act is None}


def _findings(day: DayUse | None) -> set[MeterError | UnmeteredUse]:
    parts = day.parts if day else ()
    return {found for part in parts for found in (part.error, part.act) if found is not None}


def _is_estimate(day: DayUse) -> bool:
    return quality_of(day.quality) in ESTIMATES


def _days(rated: RatedItem) -> dict[tuple[int, date], DayUse]:
    """The item's days of use by zone."""
    first, end = _period(rated)
    return {
        (int(series.zone), day.day): day
        for series in rated.use.series
        for day in series.days
        if first <= day.day < end and series.zone != Zone.EXPORT
    }


def _use(day: DayUse | None) -> int:
    return day.use_micro if day else 0


def _attributes_changed(before: RatedItem, now: RatedItem) -> Iterator[AttributeChanged]:
    first, end = (max(_period(before)[0], _period(now)[0]), min(_period(before)[1], _period(now)[1]))
    for name in sorted(used_attributes(before) | used_attributes(now)):
        for day in (first + timedelta(days=number) for number in range((end - first).days)):
            old, new = _value(before, name, day), _value(now, name, day)
            if old != new:
                yield AttributeChanged(name=fact_title(now, name), before=old, now=new, since=day)
                break


def _value(rated: RatedItem, name: str, day: date) -> AttributeValue | None:
    values = rated.facts.attributes.get(name, ())
    return next((each.value for each in values if each.holds_on(day)), None)
