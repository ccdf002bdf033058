"""The lines of a bill: quantity, price tier by tier, and amount, as the exact protocol has them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from mains.billing.queries.explain import LineExplanation
from mains.billing.queries.explain.items import RatedItem
from mains.engine.exact.explanation import Step, TierStep
from mains.engine.exact.protocol import Line
from mains.engine.facts import MICRO, AttributeValue

_TABLE = re.compile(r"\.prices\.(\w+)")


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A part of the quantity at one price, used `above` one limit and up to another, each None where open."""

    above: Fraction | None
    upto: Fraction | None
    quantity: Fraction
    price: Fraction

    @property
    def amount(self) -> Fraction:
        return self.quantity * self.price


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line. `unit` is that of the quantity, empty where it is the service's; `price` is None where there is no
    single price, `unrounded` is the amount before rounding.

    `period` is [from, to) where the line covers only a part of the month. `shares_ranges`: the tiers are filled by
    the use of all zones together, and the line has its share of each.
    """

    title: str
    kind: str
    unit: str
    period: tuple[date, date] | None
    quantity: Fraction | None
    price: Fraction | None
    tiers: tuple[Tier, ...]
    unrounded: Fraction
    amount_minor: int
    shares_ranges: bool


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one agreement pays for the month. `choices` are the facts by which the tariff chooses its prices."""

    agreement_id: int
    tariff_title: dict[str, str]
    clause_from: date | None
    choices: tuple[tuple[str, AttributeValue], ...]
    charges: tuple[Charge, ...]


def list_sections(
    *, items: Sequence[RatedItem], lines: Sequence[LineExplanation], unit_of: dict[int, str]
) -> tuple[Section, ...]:
    """The month's own lines by agreement; `unit_of` gives the unit of each agreement's service."""
    return tuple(
        _section(item, [line for line in lines if _is_of(line, item)], unit_of[item.item.agreement_id])
        for item in items
    )


def _is_of(line: LineExplanation, rated: RatedItem) -> bool:
    return line.computed is not None and line.posted.agreement_id == rated.item.agreement_id


def _section(rated: RatedItem, lines: Sequence[LineExplanation], unit: str) -> Section:
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    began = (version.valid_from for version in edition.tariff.versions)
    versions = [day for day in began if day is not None and day < rated.item.period_to]
    return Section(
        agreement_id=rated.item.agreement_id,
        tariff_title=dict(edition.tariff.title),
        clause_from=max(versions, default=None),
        choices=tuple(_choices(rated)),
        charges=tuple(_charge(line, line.computed, rated, unit) for line in lines if line.computed),
    )


def _choices(rated: RatedItem) -> Iterator[tuple[str, AttributeValue]]:
    """The facts that the amounts came from, as they were on the last day; not what the last bill left."""
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    for name in sorted(used_attributes(rated) - edition.tariff.balances.keys()):
        dated = rated.facts.attributes.get(name, ())
        values = [
            each.value for each in dated if each.valid_from is None or each.valid_from < rated.item.period_to
        ]
        if values:
            yield name, values[-1]


def used_attributes(rated: RatedItem) -> set[str]:
    """Attributes that decided an item's amounts: those in the evaluated parts of formulas, and keys of prices."""
    edition = rated.item.edition
    assert edition is not None  # only items with a tariff are rated
    used: set[str] = set()
    for step in (step for line in rated.protocol.lines for step in line.explanation.walk()):
        used.add(step.label)
        for table in _TABLE.findall(step.source):
            for version in edition.tariff.versions:
                used.update(version.tables[table].keys if table in version.tables else ())
    return used & set(edition.tariff.read_attributes)


def _charge(line: LineExplanation, computed: Line, rated: RatedItem, unit: str) -> Charge:
    assert rated.item.edition is not None  # only items with a tariff are rated
    own_unit = rated.item.edition.tariff.quantity_unit(line.posted.component) or unit
    whole = (computed.from_date, computed.to_date) == (rated.item.period_from, rated.item.period_to)
    tiers = _tiers(computed.explanation)
    priced = {tier.price for tier in tiers} or _prices(line.tree, f"{rated.protocol.currency}/{own_unit}")
    has_price = bool(computed.quantity_micro) and len(priced) == 1
    return Charge(
        title=readable_title(line),
        kind=line.posted.kind,
        unit="" if own_unit == unit else own_unit,
        period=None if whole else (computed.from_date, computed.to_date),
        quantity=Fraction(computed.quantity_micro, MICRO) if computed.quantity_micro else None,
        price=next(iter(priced)) if has_price else None,
        tiers=tiers,
        unrounded=computed.unrounded,
        amount_minor=line.amount_minor,
        shares_ranges=any("share_of:" in step.formula for step in computed.explanation.walk()),
    )


def readable_title(line: LineExplanation) -> str:
    """The component's title; its code made readable where the tariff gives none."""
    component = line.posted.component
    return component.replace("_", " ").capitalize() if line.title == component else line.title


def _tiers(tree: Step) -> tuple[Tier, ...]:
    """The parts of tiered amounts below a line, in the order of the tariff."""
    found: list[Tier] = []
    above: Fraction | None = None
    for step in tree.walk():
        if isinstance(step, TierStep):
            found.append(Tier(above=above, upto=step.upto, quantity=step.part, price=step.figure))
            above = step.upto
    return tuple(found)


def _prices(tree: Step, unit: str) -> set[Fraction]:
    return {
        step.value
        for step in tree.walk()
        if step.unit == unit and not step.children and isinstance(step.value, Fraction)
    }
