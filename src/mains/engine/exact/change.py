"""Why one amount differs from another: the same account rated again and again, one circumstance exchanged at a time.

Each effect is the difference of two whole ratings, so the effects sum to the difference of the amounts exactly, tiers,
minimums and roundings included.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from mains.engine.exact.errors import UnableToRate
from mains.engine.exact.rate import rate_exact
from mains.engine.facts import DatedValue, Facts, Stretch
from mains.engine.tariff.model import POSTED_KINDS, Tariff

DAYS, WEATHER, USE, ATTRIBUTE, PRICE = "days", "weather", "use", "attribute", "price"


@dataclass(frozen=True)
class Situation:
    """A tariff and the facts that it is applied to."""

    tariff: Tariff
    facts: Facts


@dataclass(frozen=True)
class Weather:
    """Degree days of two periods: by how much use that follows the weather would have changed with it. `quantities` are
    those that follow it besides use itself."""

    before: Fraction
    after: Fraction
    quantities: frozenset[str] = frozenset()

    def follows(self, name: str) -> bool:
        """Whether use of that name follows the weather."""
        return name == "usage" or name.startswith("usage.") or name in self.quantities


@dataclass(frozen=True)
class Effect:
    """What one circumstance makes of the difference, in minor units. `name` is the attribute's, where it is one."""

    cause: str
    amount_minor: int
    name: str = ""


@dataclass(frozen=True)
class ItemChange:
    """Two amounts in minor units and the effects between them, which sum to their difference."""

    before_minor: int
    after_minor: int
    effects: tuple[Effect, ...]


@dataclass
class _Walk:
    """Ratings one after another; the difference between two of them belongs to the circumstance exchanged."""

    at: Situation
    amount_minor: int
    found: dict[tuple[str, str], int] = field(default_factory=dict)

    def exchange(self, cause: str, following: Situation, *, name: str = "") -> None:
        """Go on to the following situation. One that cannot be rated is passed over: its effect is the next one's."""
        if following == self.at:
            return
        self.at = following
        try:
            amount = amount_of(following)
        except UnableToRate:
            return
        self.found[cause, name] = self.found.get((cause, name), 0) + amount - self.amount_minor
        self.amount_minor = amount


def amount_of(situation: Situation) -> int:
    """Everything the situation costs, in minor units. Raises UnableToRate."""
    protocol = rate_exact(tariff=situation.tariff, facts=situation.facts)
    return sum(line.amount_minor or 0 for line in protocol.lines if line.kind in POSTED_KINDS)


def split_change(*, before: Situation, after: Situation, weather: Weather | None = None) -> ItemChange:
    """From one amount to the other by days, weather, use, each attribute and price, in this order.

    Of another period, days are valued at the use a day, attributes and prices of the last day before; the `weather`,
    where it is known, as the same use a degree day; the rest of use at the same attributes and prices; then each
    attribute takes its new value, by name; what remains is the price: version, season, tariff. Of the same period, use
    comes first. Raises UnableToRate when one of the two cannot be rated at all.
    """
    walk = _Walk(before, amount_of(before))
    start = walk.amount_minor
    end = amount_of(after)
    if (before.facts.period_from, before.facts.period_to) != (after.facts.period_from, after.facts.period_to):
        _change_period(walk, before, after)
        if weather is not None:
            _change_weather(walk, before, after, weather)
    walk.exchange(USE, replace(walk.at, facts=replace(walk.at.facts, use=after.facts.use)))
    for name in _read_by(before, after):
        values = after.facts.attributes.get(name, ())
        if _by_day(after.facts, walk.at.facts.attributes.get(name, ())) != _by_day(after.facts, values):
            walk.exchange(ATTRIBUTE, _with_attribute(walk.at, name, values), name=name)
    walk.exchange(PRICE, after)
    assert walk.amount_minor == end, "The last exchange arrives at the amount to be explained."
    effects = (Effect(cause, amount, name) for (cause, name), amount in walk.found.items())
    return ItemChange(start, end, tuple(effect for effect in effects if effect.amount_minor))


def _change_period(walk: _Walk, before: Situation, after: Situation) -> None:
    """Hold fast what was in force on the last day, then take the new period at the same use a day."""
    last = before.facts.period_to - timedelta(days=1)
    for name in _read_by(before, after):
        _hold_attribute(walk, name, last)
    walk.exchange(PRICE, replace(walk.at, tariff=_held_tariff(before.tariff, last)))
    period_from, period_to = after.facts.period_from, after.facts.period_to
    length = Fraction(
        (period_to - period_from).days, (before.facts.period_to - before.facts.period_from).days
    )
    use = {
        name: (Stretch(period_from, period_to, int(before.facts.use_micro(name) * length)),)
        for name in before.facts.use
    }
    facts = replace(walk.at.facts, period_from=period_from, period_to=period_to, use=use)
    walk.exchange(DAYS, replace(walk.at, facts=facts))


def _change_weather(walk: _Walk, before: Situation, after: Situation, weather: Weather) -> None:
    """Take the new period at the same use a degree day instead of the same use a day."""
    if not weather.before:
        return
    period_from, period_to = after.facts.period_from, after.facts.period_to
    share = weather.after / weather.before
    use = {
        name: (Stretch(period_from, period_to, int(before.facts.use_micro(name) * share)),)
        if weather.follows(name)
        else stretches
        for name, stretches in walk.at.facts.use.items()
    }
    walk.exchange(WEATHER, replace(walk.at, facts=replace(walk.at.facts, use=use)))


def _read_by(before: Situation, after: Situation) -> list[str]:
    """Attributes that one of the tariffs reads, in order."""
    return sorted({*before.tariff.read_attributes, *after.tariff.read_attributes})


def _hold_attribute(walk: _Walk, name: str, day: date) -> None:
    """Give the attribute its value of `day` at all times, so that it has one in any other period too."""
    facts = walk.at.facts
    values = facts.attributes.get(name, ())
    held = tuple(replace(value, valid_from=None, valid_to=None) for value in values if value.holds_on(day))
    if _by_day(facts, values) == _by_day(facts, held):
        walk.at = _with_attribute(walk.at, name, held)
    else:
        walk.exchange(ATTRIBUTE, _with_attribute(walk.at, name, held), name=name)


def _with_attribute(situation: Situation, name: str, values: tuple[DatedValue, ...]) -> Situation:
    attributes = {**situation.facts.attributes, name: values}
    return replace(situation, facts=replace(situation.facts, attributes=attributes))


def _by_day(facts: Facts, values: tuple[DatedValue, ...]) -> list[object]:
    days = (facts.period_to - facts.period_from).days
    return [
        next(
            (value.value for value in values if value.holds_on(facts.period_from + timedelta(days=at))), None
        )
        for at in range(days)
    ]


def _held_tariff(tariff: Tariff, day: date) -> Tariff:
    """The tariff as it was on `day`, version and season, at all times."""
    version = tariff.find_version(day)
    if version is None:
        return tariff
    season = tariff.season_of(day)
    return replace(
        tariff,
        versions=(replace(version, valid_from=date.min, valid_to=None),),
        seasons=dict.fromkeys(tariff.seasons, season),
    )
