"""An item's attributes as the rating engine takes them, each with the row that says so."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction

from django.utils.translation import gettext as _

from mains.billing.queries.explain.carried import opening_values
from mains.billing.queries.explain.evidence import Item, Row
from mains.billing.queries.explain.intervals.believed import known_prices
from mains.billing.queries.explain.intervals.items import ItemIntervals
from mains.billing.queries.explain.intervals.measuring import ItemMeasurer
from mains.billing.queries.explain.shares import share_stretches
from mains.billing.queries.explain.usage import DailyUse
from mains.billing.values import COMMON_USE, FLAG_WORDS
from mains.engine.facts import MICRO, AttributeValue, DatedValue, Facts
from mains.metering.values import Zone
from mains.network.values import FILLED_ATTRIBUTES

DAY = timedelta(days=1)
_DAY_NIGHT = {Zone.DAY, Zone.NIGHT}
_THREE = {Zone.PEAK, Zone.HALF_PEAK, Zone.NIGHT}


def intervals_of(item: Item) -> ItemIntervals | None:
    """What stored intervals give of an item whose tariff reads them; None of any other. Raises UnableToMeasure."""
    if item.edition is None or not item.edition.tariff.needs_intervals:
        return None
    known, _clock = item.told_by_intervals.known(item.as_of)
    return ItemMeasurer().measure(
        item.edition.tariff,
        known,
        period=(item.period_from, item.period_to),
        prices=known_prices(item.prices, item.edition.tariff, item.as_of),
        stated=item.stated,
    )


def facts_of(item: Item, use: DailyUse, intervals: ItemIntervals | None = None) -> Facts:
    """What the exact rating engine needs to rate the item; `intervals` as `intervals_of` gives them."""
    used = use.stretches()
    if intervals is not None:
        used = {name: days for name, days in used.items() if not name.startswith("usage")} | intervals.use()
    return Facts(
        period_from=item.period_from,
        period_to=item.period_to,
        use=used | {COMMON_USE: share_stretches(item)},
        attributes={
            **_of_agreements(item),
            **_of_premise(item),
            "absent": _of_absences(item),
            **_of_network(item),
            **_of_figures_and_conditions(item),
            **_of_meters(item),
            **_of_bill_before(item),
            **(intervals.attributes() if intervals is not None else {}),
        },
    )


def _of_bill_before(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    if item.edition is None:
        return {}
    return opening_values(
        item.carried,
        tariff=item.edition.tariff,
        account_id=item.account_id,
        service_point_id=item.service_point_id,
        first_day=item.period_from,
    )


def _of_agreements(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    return {
        name: tuple(
            DatedValue(
                row[name], row["valid_from"], row["valid_to"], _source(_("agreement"), row, "agreement_id")
            )
            for row in item.agreements
        )
        for name in ("category", "load_class")
    }


def _of_premise(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    found: dict[str, list[DatedValue]] = {}
    for row in item.premise_states:
        values: dict[str, AttributeValue] = {
            "residents": Fraction(row["residents"]),
            "rooms": Fraction(row["rooms"]),
            "floor_area_m2": Fraction(row["floor_area_m2_micro"], MICRO),
            "heated_area_m2": Fraction(row["heated_area_m2_micro"], MICRO),
            "storey_height_m": Fraction(row["storey_height_mm"], 1000),
            "location": row["location"],
            "cooker": row["cooker"],
            "meter_possible": row["meter_possible"],
        }
        for name, value in values.items():
            source = _source(_("premise record"), row, "id")
            found.setdefault(name, []).append(DatedValue(value, row["valid_from"], row["valid_to"], source))
    return {name: tuple(values) for name, values in found.items()}


def _of_absences(item: Item) -> tuple[DatedValue, ...]:
    """How many residents are absent on each day; those that overlap add up, to all residents at most."""
    if not item.absences:
        return (DatedValue(Fraction(0), item.period_from, item.period_to, _("no absence is recorded")),)
    found = []
    for day in days_of(item):
        away = [row for row in item.absences if _holds(row, day)]
        living = sum(row["residents"] for row in item.premise_states if _holds(row, day))
        count = min(sum(row["residents"] for row in away), living)
        source = "; ".join(f"{_source(_('absence'), row, 'id')}, {row['proof']}" for row in away)
        found.append(DatedValue(Fraction(count), day, day + DAY, source or _("no absence is recorded")))
    return tuple(found)


def _of_network(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    """Band and hours of the nearest node above the service point that has a state on the day."""
    found: dict[str, list[DatedValue]] = {}
    for day in days_of(item):
        row = nearest_row(item, item.states, day)
        if row is None:
            continue
        source = _source(row["node_name"], row, "id")
        if row["band"] is not None:
            found.setdefault("band", []).append(DatedValue(row["band"], day, day + DAY, source))
        if row["supply_hours_day"] is not None:
            hours = Fraction(row["supply_hours_day"])
            found.setdefault("supply_hours_day", []).append(DatedValue(hours, day, day + DAY, source))
    return {name: tuple(values) for name, values in found.items()}


def _of_figures_and_conditions(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    """Of each name that the tariff reads, day by day, the condition of the service point, or else the figure of the
    nearest node above it."""
    found: dict[str, list[DatedValue]] = {}
    tariff = item.edition.tariff if item.edition is not None else None
    read = {*tariff.read_figures, *tariff.read_words} - FILLED_ATTRIBUTES if tariff is not None else set()
    for name in sorted(read):
        kind = tariff.attributes[name].kind if tariff is not None else ""
        conditions = [row for row in item.conditions if row["name"] == name]
        figures = [row for row in item.figures if row["name"] == name and kind == "number"]
        for day in days_of(item) if conditions or figures else ():
            own = (_condition_value(row, kind) for row in conditions if _holds(row, day))
            value = next((each for each in own if each is not None), None)
            source = next((_source_of_figure(row) for row in conditions if _holds(row, day)), "")
            if value is None:
                row = nearest_row(item, figures, day)
                if row is None:
                    continue
                value, source = Fraction(row["value_micro"], MICRO), _source_of_figure(row)
            found.setdefault(name, []).append(DatedValue(value, day, day + DAY, source))
    return {name: tuple(values) for name, values in found.items()}


def _condition_value(row: Row, kind: str) -> AttributeValue | None:
    """What a condition says to an attribute of that kind; None where it is no value of it."""
    if kind == "number":
        return None if row["value_micro"] is None else Fraction(row["value_micro"], MICRO)
    return FLAG_WORDS.get(row["word"]) if kind == "flag" else row["word"] or None


def _source_of_figure(row: Row) -> str:
    what = row["node_name"] if "node_name" in row else _("condition of supply")
    told = _source(what, row, "id")
    if row["valid_to"] is not None:
        told = _("%(what)s %(id)s, %(since)s to %(until)s, recorded %(recorded)s") % {
            "what": what,
            "id": row["id"],
            "since": row["valid_from"],
            "until": row["valid_to"] - DAY,
            "recorded": f"{row['recorded_at']:%Y-%m-%d}",
        }
    return f"{told}, {row['proof']}"


def nearest_row(item: Item, rows: Sequence[Row], day: date) -> Row | None:
    """The row about the service point's node on the day, or else about the nearest node above it."""
    node: int | None = item.point["node_id"]
    while node is not None:
        for row in rows:
            if row["node_id"] == node and _holds(row, day):
                return row
        placed = (row for row in item.placements if row["node_id"] == node and _holds(row, day))
        node = next((row["parent_id"] for row in placed), None)
    return None


def _of_meters(item: Item) -> dict[str, tuple[DatedValue, ...]]:
    """Whether a meter is installed on each day, and which zones its registers count."""
    metered, zones = [], []
    for day in days_of(item):
        installed = [row for row in item.installed if _holds(row, day)]
        serials = ", ".join(dict.fromkeys(row["serial"] for row in installed))
        source = _("meter %(serial)s") % {"serial": serials} if installed else _("no meter installed")
        metered.append(DatedValue(bool(installed), day, day + DAY, source))
        if installed:
            latest = max(installed, key=lambda row: (row["valid_from"], row["valid_to"] or date.max))
            counted = {
                row["zone"] for row in installed if row["installation_id"] == latest["installation_id"]
            }
            zones.append(DatedValue(zones_counted(counted), day, day + DAY, source))
    return {"metered": tuple(metered), "zones": tuple(zones)}


def zones_counted(counted: set[int]) -> str:
    """The attribute `zones` of a point whose registers count these zones."""
    if counted >= _THREE:
        return "three"
    return "day_night" if counted >= _DAY_NIGHT else "total"


def days_of(item: Item) -> Iterator[date]:
    return (item.period_from + timedelta(days=n) for n in range((item.period_to - item.period_from).days))


def _holds(row: Row, day: date) -> bool:
    return bool(row["valid_from"] <= day and (row["valid_to"] is None or day < row["valid_to"]))


def _source(what: str, row: Row, key: str) -> str:
    return _("%(what)s %(id)s, since %(since)s, recorded %(recorded)s") % {
        "what": what,
        "id": row[key],
        "since": row["valid_from"],
        "recorded": f"{row['recorded_at']:%Y-%m-%d}",
    }
