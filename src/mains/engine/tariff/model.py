"""A checked tariff, frozen. Dates are half-open; numbers are exact and already in the tariff's base units."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property

from mains.engine.language import tree
from mains.engine.language.tree import Node
from mains.engine.language.units import Unit, UnitSystem
from mains.engine.tariff.schedule import Demands, Ratchet, RegisterPart, Schedule
from mains.kernel.rounding import RoundingMode

POSTED_KINDS = ("charge", "tax", "subsidy", "rounding")
COMPONENT_KINDS = ("charge", "tax", "subsidy", "tax_included", "info", "quantity", "balance")
CALENDAR_CUTS = ("month", "quarter", "year")
CUTS = ("seen", "every", *CALENDAR_CUTS)
ON_CHANGE = ("split", "weight", "start", "end", "average")
DAY_COUNTS = ("end_day", "start_day", "both")
SEASON_KEY, ZONE_KEY, ANY = "season", "zone", "*"


@dataclass(frozen=True)
class Rounding:
    """Round to multiples of `step`."""

    step: Fraction
    mode: RoundingMode


@dataclass(frozen=True)
class Tier:
    """Figure of one tier; `upto` is its inclusive upper limit, None for the last."""

    upto: Fraction | None
    figure: Fraction


Cell = Fraction | tuple[Tier, ...]


@dataclass(frozen=True)
class Table:
    """A price or figure under `prices`. `keys` are attribute names, `season` or `zone`; a cell per key, `*`
    for any other.
    """

    name: str
    unit: Unit
    limit_unit: Unit
    keys: tuple[str, ...]
    tiered: bool
    cells: Mapping[tuple[str, ...], Cell]

    def find_cell(self, key: tuple[str, ...]) -> tuple[tuple[str, ...], Cell] | None:
        """The cell for a key and the key it is written under; an exact value wins over `*`, from the left."""
        options: list[tuple[str, ...]] = [()]
        for value in key:
            options = [(*option, part) for option in options for part in (value, ANY)]
        for option in options:
            if option in self.cells:
                return option, self.cells[option]
        return None


@dataclass(frozen=True)
class AttributeType:
    """`kind` is text, number or flag. `values` limits a text; `default` stands in where no fact is given."""

    name: str
    kind: str
    unit: Unit
    values: tuple[str, ...] = ()
    default: Fraction | str | bool | None = None


@dataclass(frozen=True)
class Component:
    """A named line.

    `on_change` says what a change inside the period does, `cut` whether only changes it sees or all of them cut it; cut
    by the calendar, each month, quarter or year of the period counts as a period of its own.
    `figure` marks a flat quantity or info (a unit price, a coefficient): seen from a part of the period it keeps its
    value instead of being a part of a sum. `rounding` None keeps every digit until the total. `each` is `segment` or
    `period`: whether pieces round, or their sum. It is charged from `since` on and until `until`, if these are given.
    """

    name: str
    kind: str
    title: Mapping[str, str]
    formula: Node
    formula_text: str
    condition: Node | None
    quantity: Node | None
    unit: Unit
    on_change: str
    cut: str
    figure: bool
    each: str
    rounding: Rounding | None
    average_rounding: Rounding | None
    reads: tuple[str, ...]
    since: date | None = None
    until: date | None = None
    origin: str = ""
    """The component of the document that this one was written out from, where it is not there itself."""

    @property
    def written(self) -> str:
        """Under which name the document has the component."""
        return self.origin or self.name


@dataclass(frozen=True)
class Version:
    """What is in force in [valid_from, valid_to). `components` in the order they are printed.

    A version whose components start or end by themselves is several of these; `written_from` is then the day under
    which the document has them, and `written` the components it has there.
    """

    valid_from: date
    valid_to: date | None
    tables: Mapping[str, Table]
    components: tuple[Component, ...]
    total_rounding: Rounding | None
    source: str = ""
    confidence: str = ""
    note: str = ""
    schedule: Schedule | None = None
    written_from: date | None = None
    written: tuple[str, ...] = ()

    def clause(self, inside: str) -> str:
        """How people call a clause of this version; a tariff in one version has none to name."""
        written = self.valid_from if self.written_from is None else self.written_from
        return inside if written == date.min else f"versions[{written}].{inside}"

    @cached_property
    def by_name(self) -> Mapping[str, Component]:
        return {component.name: component for component in self.components}


@dataclass(frozen=True)
class Tariff:
    """A tariff with all its versions, in order of date."""

    code: str
    title: Mapping[str, str]
    service: str
    currency: str
    minor_digits: int
    units: UnitSystem
    day_count: str
    attributes: Mapping[str, AttributeType]
    quantities: Mapping[str, Unit]
    seasons: Mapping[tuple[int, int], str]
    use_rounding: Rounding | None
    versions: tuple[Version, ...]
    time_zone: str = ""
    demands: Demands = field(default_factory=dict)
    balances: Mapping[str, Unit] = field(default_factory=dict)
    """What a bill leaves to the next one. Each is also an attribute: what the last bill left."""
    parts: Mapping[str, RegisterPart] = field(default_factory=dict)
    """Quantities that intervals of another register give. Given by themselves, they are what is given."""

    @property
    def minor_unit(self) -> Fraction:
        """The smallest amount the currency knows: 1 won, 0.01 rouble."""
        return Fraction(1, 10**self.minor_digits)

    @property
    def posting_scale(self) -> int:
        """Whole numbers of `amount_minor` in one unit of currency: hundredths everywhere, thousandths where
        the currency has them.
        """
        return int(10 ** max(2, self.minor_digits))

    def find_version(self, day: date) -> Version | None:
        """The version in force on `day`."""
        at = bisect_right([version.valid_from for version in self.versions], day) - 1
        if at < 0:
            return None
        version = self.versions[at]
        return version if version.valid_to is None or day < version.valid_to else None

    def season_of(self, day: date) -> str:
        """Name of the season of `day`; empty when the tariff has no seasons."""
        return self.seasons.get((day.month, day.day), "")

    @cached_property
    def schedule_zones(self) -> tuple[str, ...]:
        """Zones into which intervals fall by the hours of any version; empty when the tariff has no such hours."""
        schedules = (version.schedule for version in self.versions)
        return tuple(dict.fromkeys(zone for item in schedules if item is not None for zone in item.zones))

    @cached_property
    def price_series(self) -> Mapping[str, str]:
        """Series of prices by the hour that its quantities are made of, with their units."""
        return {part.price: part.price_unit for part in self.parts.values() if part.price}

    @property
    def needs_intervals(self) -> bool:
        """Whether use or demands can only be told from intervals."""
        return bool(self.schedule_zones or self.demands or self.parts)

    @cached_property
    def ratchet_months(self) -> int:
        """How many months before a period its ratchets look back."""
        return max((item.months for item in self.demands.values() if isinstance(item, Ratchet)), default=0)

    @cached_property
    def printed_order(self) -> tuple[str, ...]:
        """Component names of all versions in the order they are printed: the newest version's, then what only
        older ones have.
        """
        names: dict[str, None] = {}
        for version in reversed(self.versions):
            for name in version.written or [component.name for component in version.components]:
                names.setdefault(name)
        return tuple(names)

    @cached_property
    def computing_order(self) -> tuple[str, ...]:
        """Component names of all versions so that each stands after everything it reads in any version.

        Shorter than `printed_order` when the versions together read each other in a circle.
        """
        needs: dict[str, set[str]] = {name: set() for name in self.printed_order}
        for version in self.versions:
            for component in version.components:
                needs[component.name].update(component.reads)
        done: dict[str, None] = {}
        while ready := [name for name in needs if name not in done and needs[name] <= done.keys()]:
            done.update(dict.fromkeys(ready))
        return tuple(done)

    @cached_property
    def uses_seasons(self) -> bool:
        """Whether any price depends on the season; if none does, seasons cut nothing."""
        return any(SEASON_KEY in table.keys for version in self.versions for table in version.tables.values())

    @cached_property
    def calendar_cuts(self) -> tuple[str, ...]:
        """The units of the calendar that cut any component."""
        used = {component.cut for version in self.versions for component in version.components}
        return tuple(unit for unit in CALENDAR_CUTS if unit in used)

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Zones of use which any formula reads."""
        return tuple(
            sorted({use.zone for use in self._leaves if isinstance(use, tree.Use) and use.zone is not None})
        )

    @cached_property
    def read_attributes(self) -> tuple[str, ...]:
        """Attributes which any formula or table reads."""
        direct = {leaf.name for leaf in self._leaves if isinstance(leaf, tree.Attribute)}
        keys = {key for version in self.versions for table in version.tables.values() for key in table.keys}
        return tuple(sorted((direct | keys) & set(self.attributes)))

    @cached_property
    def read_figures(self) -> tuple[str, ...]:
        """Number attributes which are read and come from outside: neither left by the last bill nor measured by
        intervals."""
        return tuple(
            name
            for name in self.read_attributes
            if self.attributes[name].kind == "number"
            and name not in self.balances
            and name not in self.demands
        )

    def quantity_unit(self, component: str) -> str:
        """The unit of the quantity that a component shows beside its amount, in the latest version that has one; empty
        where it shows none."""
        for version in reversed(self.versions):
            found = version.by_name.get(component)
            if found is not None and found.quantity is not None:
                return str(found.quantity.unit)
        return ""

    @cached_property
    def read_words(self) -> tuple[str, ...]:
        """Attributes of text or yes/no which are read."""
        return tuple(name for name in self.read_attributes if self.attributes[name].kind != "number")

    @cached_property
    def _leaves(self) -> tuple[Node, ...]:
        return tuple(
            leaf
            for version in self.versions
            for component in version.components
            for root in (component.formula, component.condition, component.quantity)
            if root is not None
            for leaf in tree.walk(root)
        )
