"""From an account's last bill to this one: what changed and what each change costs, to the last minor unit."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction

from mains.billing.models import Bill, BillLine, BillRun
from mains.billing.queries.explain.bills import get_bill
from mains.billing.queries.explain.evidence import left_items, load_items
from mains.billing.queries.explain.items import RatedItem, fact_title, rate_items
from mains.billing.queries.explain.weather import weather_between
from mains.billing.values import COMMON_USE, POSTED_LINE_KINDS, RunKind, bill_number
from mains.engine.exact.change import (
    ATTRIBUTE,
    DAYS,
    PRICE,
    USE,
    WEATHER,
    Effect,
    Situation,
    Weather,
    split_change,
)
from mains.engine.facts import MICRO, AttributeValue, Facts

BEGAN, ENDED = "began", "ended"
"""A service that only this bill, or only the last one, has."""
RECALCULATED, RECALCULATED_BEFORE = "recalculated", "recalculated_before"
"""Corrections of earlier months on this bill; those of the last bill, which do not come again."""
SETTLED = "settled"
"""What a final settlement had billed of the month before; of the last bill's month, what it had left to that bill."""
KEPT = "kept"
"""A service that the account goes on paying for: not on a final bill, but on that of the month's run."""
OTHERWISE = "otherwise"
"""What had been posted before is not what its facts give: the month had been left out of its bill, for instance."""
A_DAY = "a_day"
"""The name of a change of use between months of different length: its values are use a day."""
WEATHER_APART = "weather_apart"
"""The name of a change of use beyond what the weather makes of it."""
CAUSES = (
    DAYS, WEATHER, USE, ATTRIBUTE, PRICE, BEGAN, ENDED, KEPT, SETTLED, RECALCULATED, RECALCULATED_BEFORE, OTHERWISE,
)  # fmt: skip

Shown = AttributeValue | None


@dataclass(frozen=True, kw_only=True)
class ChangeStep:
    """One cause with its amount in minor units. `before` and `now` are what changed: days, degree days, use in all or a
    day, an attribute's last value; None where the cause has no such value. `name` is the attribute's, the service's,
    A_DAY or WEATHER_APART.
    """

    cause: str
    amount_minor: int
    name: str = ""
    before: Shown = None
    now: Shown = None


@dataclass(frozen=True, kw_only=True)
class BillChange:
    """The steps between two bills of an account; `before` is its last bill."""

    before: Bill
    after: Bill
    steps: tuple[ChangeStep, ...]


@dataclass(frozen=True, kw_only=True)
class CorrectionChange:
    """Why a month of use at a service point is recalculated, in steps that sum to the bill's correction of it."""

    service_month: date
    service_point_id: int
    amount_minor: int
    steps: tuple[ChangeStep, ...]


def explain_change(*, month: date, bill_id: int) -> BillChange | None:
    """Why a month's bill, or a final one, is more or less than the account's last bill of a month; None for its first
    bill, for one that only recalculates, and for one made on site. Raises UnableToExplain."""
    after = get_bill(month=month, bill_id=bill_id)
    earlier = Bill.objects.filter(account_id=after.account_id, month__lt=month).order_by("-month", "-id")
    kinds = dict(
        BillRun.objects.filter(id__in={after.run_id, *earlier.values_list("run_id", flat=True)}).values_list(
            "id", "kind"
        )
    )
    before = next((bill for bill in earlier if kinds[bill.run_id] == RunKind.MONTHLY), None)
    if before is None or kinds[after.run_id] in (RunKind.RECALCULATION, RunKind.ON_SITE):
        return None  # a part of a month is not to be compared with a whole one
    was, now = _own_items(before), _own_items(after)
    held: frozenset[int] = frozenset()
    if kinds[after.run_id] == RunKind.SETTLEMENT:
        now, held = _left_and_held(now)
    kept = {key: rated for key, rated in was.items() if rated.item.service_point_id in held}
    steps = [
        *_own_steps({key: rated for key, rated in was.items() if key not in kept}, now),
        *(_alone(KEPT, rated, sign=-1) for rated in kept.values()),
        ChangeStep(cause=SETTLED, amount_minor=_billed_before(before) - _billed_before(after, held)),
        ChangeStep(cause=RECALCULATED, amount_minor=after.correction_minor),
        ChangeStep(cause=RECALCULATED_BEFORE, amount_minor=-before.correction_minor),
    ]
    rest = after.amount_minor - before.amount_minor - sum(step.amount_minor for step in steps)
    steps.append(ChangeStep(cause=OTHERWISE, amount_minor=rest))
    return BillChange(before=before, after=after, steps=_summed(steps))


def explain_corrections(*, month: date, bill_id: int) -> tuple[CorrectionChange, ...]:
    """The bill's corrections by month of use, latest first, and service point, each split into its causes; those of a
    recalculation also in the open month, for which the account was settled."""
    bill = get_bill(month=month, bill_id=bill_id)
    amounts: dict[tuple[date, int], int] = defaultdict(int)
    corrected = BillLine.objects.filter(month=month, bill_id=bill_id)
    if BillRun.objects.get(id=bill.run_id).kind != RunKind.RECALCULATION:
        corrected = corrected.filter(service_month__lt=month)
    for line in corrected:
        counts = line.kind in POSTED_LINE_KINDS
        amounts[line.service_month, line.service_point_id] += line.amount_minor if counts else 0
    now_at = BillRun.objects.get(id=bill.run_id).facts_as_of
    known_before = _known_before(bill, now_at)
    found = []
    for (service_month, point_id), amount in sorted(amounts.items(), key=lambda each: _latest_first(each[0])):
        before = _items(bill.account_id, service_month, known_before) if known_before else {}
        now = _items(bill.account_id, service_month, now_at)
        steps = list(_own_steps(_of_point(before, point_id), _of_point(now, point_id)))
        rest = amount - sum(step.amount_minor for step in steps)
        steps.append(ChangeStep(cause=OTHERWISE, amount_minor=rest))
        found.append(
            CorrectionChange(
                service_month=service_month,
                service_point_id=point_id,
                amount_minor=amount,
                steps=_summed(steps),
            )
        )
    return tuple(found)


def change_data(
    number: str, change: BillChange | None, corrections: Sequence[CorrectionChange]
) -> dict[str, object]:
    """JSON-ready; schema in docs/schemas/bill-change.schema.json. A first bill has no `last_bill`."""
    data: dict[str, object] = {"bill": number}
    if change is not None:
        data |= {
            "amount_minor": change.after.amount_minor,
            "last_bill": bill_number(change.before.month, change.before.id),
            "last_amount_minor": change.before.amount_minor,
            "steps": [_step_data(step) for step in change.steps],
        }
    data["corrections"] = [
        {
            "service_month": each.service_month.isoformat(),
            "service_point_id": each.service_point_id,
            "amount_minor": each.amount_minor,
            "steps": [_step_data(step) for step in each.steps],
        }
        for each in corrections
    ]
    return data


def _step_data(step: ChangeStep) -> dict[str, object]:
    data: dict[str, object] = {"cause": step.cause, "amount_minor": step.amount_minor}
    if step.name:
        data["name"] = step.name
    shown = {"before": step.before, "now": step.now}
    return data | {name: _text(value) for name, value in shown.items() if value is not None}


def _text(value: AttributeValue) -> object:
    from mains.engine.exact import show

    return value if isinstance(value, bool) else show(value)


def _latest_first(key: tuple[date, int]) -> tuple[int, int]:
    return -key[0].toordinal(), key[1]


def _known_before(bill: Bill, now_at: datetime) -> datetime | None:
    """What the account's last posting before this one knew."""
    runs = Bill.objects.filter(account_id=bill.account_id).values_list("run_id", flat=True)
    instants = BillRun.objects.filter(id__in=set(runs), facts_as_of__lt=now_at)
    return instants.order_by("-facts_as_of").values_list("facts_as_of", flat=True).first()


def _own_items(bill: Bill) -> Mapping[int, RatedItem]:
    return _items(bill.account_id, bill.month, BillRun.objects.get(id=bill.run_id).facts_as_of)


def _items(account_id: int, month: date, as_of: datetime) -> Mapping[int, RatedItem]:
    return rate_items(load_items(account_ids=[account_id], month=month, as_of=as_of))


def _left_and_held(items: Mapping[int, RatedItem]) -> tuple[Mapping[int, RatedItem], frozenset[int]]:
    """The items of the service points that a settlement bills, and the service points that the account still holds."""
    left = {item.agreement_id for item in left_items([rated.item for rated in items.values()])}
    held = frozenset(rated.item.service_point_id for key, rated in items.items() if key not in left)
    return {key: rated for key, rated in items.items() if key in left}, held


def _billed_before(bill: Bill, held: frozenset[int] = frozenset()) -> int:
    """What bills made before this one have charged of its month, a settlement's and corrections of it, but for the
    service points `held`."""
    others = Bill.objects.filter(
        account_id=bill.account_id, month=bill.month, recorded_at__lt=bill.recorded_at
    )
    lines = BillLine.objects.filter(
        month=bill.month,
        bill_id__in=list(others.values_list("id", flat=True)),
        service_month=bill.month,
        kind__in=POSTED_LINE_KINDS,
    ).exclude(service_point_id__in=held)
    return sum(lines.values_list("amount_minor", flat=True))


def _of_point(items: Mapping[int, RatedItem], point_id: int) -> Mapping[int, RatedItem]:
    return {key: rated for key, rated in items.items() if rated.item.service_point_id == point_id}


def _own_steps(before: Mapping[int, RatedItem], after: Mapping[int, RatedItem]) -> Iterator[ChangeStep]:
    """Items of one service point are compared with one another, first those of the same agreement."""
    pairs, only_before, only_after = _paired(before, after)
    for earlier, later in pairs:
        situations = _situation(earlier), _situation(later)
        weather = weather_between(earlier.item, later.item)
        for effect in split_change(before=situations[0], after=situations[1], weather=weather).effects:
            step = _step(effect, *situations, weather)
            # A balance has no name outside its tariff.
            yield replace(step, name=fact_title(later, step.name)) if step.cause == ATTRIBUTE else step
    for rated in only_before:
        yield _alone(ENDED, rated, sign=-1)
    for rated in only_after:
        yield _alone(BEGAN, rated, sign=1)


def _alone(cause: str, rated: RatedItem, *, sign: int) -> ChangeStep:
    """A service that only one of the two bills has."""
    return ChangeStep(
        cause=cause, amount_minor=sign * rated.protocol.total_minor, name=rated.item.point["service"]
    )


def _paired(
    before: Mapping[int, RatedItem], after: Mapping[int, RatedItem]
) -> tuple[list[tuple[RatedItem, RatedItem]], list[RatedItem], list[RatedItem]]:
    pairs = [(before[key], after[key]) for key in before if key in after]
    earlier = [rated for key, rated in before.items() if key not in after]
    later = {rated.item.service_point_id: rated for key, rated in after.items() if key not in before}
    alone = []
    for rated in earlier:
        successor = later.pop(rated.item.service_point_id, None)
        if successor is None:
            alone.append(rated)
        else:
            pairs.append((rated, successor))
    matched = {id(pair[1]) for pair in pairs}
    return pairs, alone, [rated for rated in after.values() if id(rated) not in matched]


def _situation(rated: RatedItem) -> Situation:
    assert rated.item.edition is not None  # only items with a tariff are rated
    return Situation(rated.item.edition.tariff, rated.facts)


def _step(effect: Effect, earlier: Situation, later: Situation, weather: Weather | None) -> ChangeStep:
    before, now = earlier.facts, later.facts
    shown: tuple[Shown, Shown] = (None, None)
    if effect.cause == DAYS:
        shown = (_days(before), _days(now))
    elif effect.cause == WEATHER and weather is not None:
        shown = (weather.before, weather.after)
    elif effect.cause == USE and (before.period_from, before.period_to) == (now.period_from, now.period_to):
        measure = _measure(before, now)
        shown = (_use(before, measure), _use(now, measure))
    elif effect.cause == USE:
        effect = replace(effect, name=A_DAY if weather is None else WEATHER_APART)
        measure = _measure(before, now)
        shown = (_use(before, measure) / _days(before), _use(now, measure) / _days(now))
    elif effect.cause == ATTRIBUTE:
        shown = (_last_value(earlier, effect.name), _last_value(later, effect.name))
    return ChangeStep(
        cause=effect.cause, amount_minor=effect.amount_minor, name=effect.name, before=shown[0], now=shown[1]
    )


def _days(facts: Facts) -> Fraction:
    return Fraction((facts.period_to - facts.period_from).days)


def _measure(before: Facts, now: Facts) -> str:
    """What is told as the use: that of the point, or where there is none, what it was given of a house's."""
    return "usage" if _use(before, "usage") or _use(now, "usage") else COMMON_USE


def _use(facts: Facts, name: str) -> Fraction:
    return Fraction(facts.use_micro(name), MICRO)


def _last_value(situation: Situation, name: str) -> Shown:
    """What is known last of an attribute, or else what the tariff takes where nothing is."""
    facts, declared = situation.facts, situation.tariff.attributes.get(name)
    values = facts.attributes.get(name, ())
    inside = [value for value in values if value.valid_from is None or value.valid_from < facts.period_to]
    return inside[-1].value if inside else declared.default if declared is not None else None


def _summed(steps: Sequence[ChangeStep]) -> tuple[ChangeStep, ...]:
    """Steps of one cause and name as one, in the order of causes; what comes to nothing is left out.

    Of several service points only the sum can be told: values of one would mislead.
    """
    groups: dict[tuple[str, str], list[ChangeStep]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: CAUSES.index(step.cause)):
        groups[step.cause, step.name].append(step)
    summed = []
    for (cause, name), same in groups.items():
        amount = sum(step.amount_minor for step in same)
        shown = (same[0].before, same[0].now) if len(same) == 1 else (None, None)
        if amount:
            summed.append(
                ChangeStep(cause=cause, amount_minor=amount, name=name, before=shown[0], now=shown[1])
            )
    return tuple(summed)
