"""A pack as read from its folder: `pack.yaml`, names, streets and tariff documents. Data only, never code."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from mains.kernel.errors import MainsError
from mains.packs.profiles import (
    BalanceProfile,
    ChosenTariff,
    ConditionProfile,
    FigureProfile,
    InstalmentProfile,
    OpeningRange,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FOLDER = Path(__file__).resolve().parent
Part = TypeVar("Part", bound="DataclassInstance")


class UnableToReadPack(MainsError):
    """A pack is missing or one of its files does not say what it must."""


@dataclass(frozen=True)
class BillingCalendar:
    """When the utility reads, bills and expects payment, and which months the demo bills.

    Facts of a month count when they are known at the end of `cut_off_day` of the next month.
    """

    cycle: str
    months: tuple[date, ...]
    today: date
    history_months: int
    cut_off_day: int
    issue_day: int
    due_days: int
    reading_days: tuple[int, int]

    @property
    def history_from(self) -> date:
        """First day for which the demo has readings."""
        return add_months(self.months[0], -self.history_months)

    def cut_off(self, month: date) -> date:
        """First day on which news about `month` comes too late for its bill."""
        return add_months(month, 1) + timedelta(days=self.cut_off_day)

    def issue_date(self, month: date) -> date:
        return add_months(month, 1) + timedelta(days=self.issue_day - 1)

    def due_date(self, month: date) -> date:
        return self.issue_date(month) + timedelta(days=self.due_days)


@dataclass(frozen=True)
class RoleText:
    code: str
    name: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class PartyText:
    code: str
    name: str
    kind: str
    tax_number: str = ""
    bank_name: str = ""
    bank_code: str = ""
    bank_account: str = ""
    correspondent_account: str = ""
    payment_codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Settings by standard of each code that the party's bills carry; none: the usual one of the currency."""


@dataclass(frozen=True)
class SettlementRows:
    """Contracts and payees of money collected for others, in the columns of their files (docs/settlement.md)."""

    contracts: tuple[Mapping[str, object], ...] = ()
    payees: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class Town:
    """A town: its weight is its share of the population; `bearing` turns its street grid (degrees)."""

    name: str
    location: str
    latitude: float
    longitude: float
    weight: int
    postal_code: str
    bearing: int
    region: str
    branch: str


@dataclass(frozen=True)
class Unit:
    """A unit of the organisation which the pack names; centres and teams are made by the generator."""

    code: str
    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True)
class BuildingKind:
    """One kind of building: its share among buildings and how premises stand in it."""

    urban: int
    rural: int
    premise: str
    entrances: tuple[int, int]
    floors: tuple[int, int]
    flats_per_floor: tuple[int, int]


@dataclass(frozen=True)
class PremiseProfile:
    """What a kind of premise is like: sizes, who holds it, how much it uses.

    `monthly_kwh` are the 0, 10, … 100 % quantiles of the use of a month, in the unit of the service. The load class is
    drawn, or follows from the floors of the house: up to how many each reaches.
    """

    monthly_kwh: tuple[int, ...]
    rooms: tuple[int, int]
    area_per_room_m2: tuple[int, int]
    residents: tuple[int, int]
    organisation_share: float
    categories: Mapping[str, int]
    load_classes: Mapping[str, int]
    load_class_floors: Mapping[str, int] | None = None


@dataclass(frozen=True)
class MeterModel:
    name: str
    digits: int
    weight: int


@dataclass(frozen=True)
class Population:
    """Shares and sizes of the demo's population; shares are fractions of 1, weights any whole numbers.

    `season`: first and last day (month-day) of the part of the year outside which nothing is used.
    """

    buildings: tuple[BuildingKind, ...]
    premises: Mapping[str, PremiseProfile]
    category_kwh_max: Mapping[str, int]
    electric_cooker_share: float
    meter_possible_share: float
    unmetered_share: float
    load_shapes: tuple[str, ...]
    zones: Mapping[str, int]
    zone_hours: Mapping[str, Sequence[Sequence[int]]]
    meter_models: Mapping[str, tuple[MeterModel, ...]]
    transformer_ratios: tuple[int, ...]
    bands: Mapping[str, tuple[int, int]]
    changed_bands_share: float
    mover_share: float
    vacant_share: float
    new_connection_share: float
    changed_residents_share: float
    exchange_share: float
    near_rollover_share: float
    missed_reading_share: float
    silent_share: float
    late_reading_share: float
    wrong_reading_share: float
    unmapped_share: float
    shared_customer_share: float
    debtor_share: float
    creditor_share: float
    opening_minor_per_kwh: int
    sources: Mapping[str, int]
    season: tuple[str, str] | None = None
    storey_height_mm: tuple[int, int] = (2500, 3000)


@dataclass(frozen=True)
class Wording:
    """Patterns by which the generator names what it makes."""

    centre: str
    team: str
    source: str
    substation: str
    feeder: str
    transformer: str
    contract: str
    phone: str
    more_streets: str


@dataclass(frozen=True)
class Names:
    """Lists from which people, firms and streets are named. A people is (family, given and patronymic) by
    gender; `full_name` is the pattern of a whole name where the order of the country's lists is not right.
    """

    peoples: tuple[Mapping[str, Sequence[str]], ...]
    firms: Sequence[str]
    firm_forms: Sequence[str]
    streets: Sequence[str]
    street_forms: Sequence[str]
    full_name: str = ""


@dataclass(frozen=True)
class Pack:
    """A reference configuration with its demo utility."""

    code: str
    name: str
    country: str
    language: str
    currency: str
    time_zone: str
    service: str
    provider: str
    managers: tuple[str, ...]
    sequence_digits: int
    holidays: tuple[date, ...]
    texts: Mapping[str, Mapping[str, str]]
    billing: BillingCalendar
    roles: tuple[RoleText, ...]
    parties: tuple[PartyText, ...]
    units: tuple[Unit, ...]
    towns: tuple[Town, ...]
    tariff_by: str
    tariff_of: Mapping[str, str]
    population: Population
    wording: Wording
    names: Names
    tariff_documents: Mapping[str, str]
    balances: BalanceProfile | None = None
    instalments: InstalmentProfile | None = None
    findings: int = 0
    interval_tariff: str = ""
    interval_accounts: int = 0
    figures: tuple[FigureProfile, ...] = ()
    conditions: tuple[ConditionProfile, ...] = ()
    chosen_tariffs: tuple[ChosenTariff, ...] = ()
    settlement: SettlementRows = field(default_factory=SettlementRows)


def list_packs() -> list[str]:
    """Codes of the packs that are installed."""
    return sorted(path.parent.name for path in FOLDER.glob("*/pack.yaml"))


def read_pack(code: str) -> Pack:
    """The pack of that code. Raises UnableToReadPack for an unknown code or a faulty file, naming the clause."""
    if code not in list_packs():
        raise UnableToReadPack(
            code="unknown-pack",
            message=f"There is no pack {code!r}.",
            place="pack",
            remedy=f"Choose one of: {', '.join(list_packs())}.",
        )
    folder = FOLDER / code
    data = _read_yaml(folder / "pack.yaml")
    names = _read_yaml(folder / "names.yaml")
    place = f"{code}/pack.yaml"
    parts = {
        **{key: data.get(key) for key in _PLAIN},
        "code": data.get("pack"),
        "managers": tuple(data.get("managers", ())),
        "holidays": tuple(data.get("holidays", ())),
        "texts": _texts(data.get("texts", {}), language=data.get("language", "")),
        "billing": _calendar(data.get("billing", {}), place=f"{place}: billing"),
        "roles": tuple(
            _record(RoleText, _tupled(role), place=f"{place}: roles") for role in data.get("roles", ())
        ),
        "parties": tuple(
            _record(PartyText, party, place=f"{place}: parties") for party in data.get("parties", ())
        ),
        "units": tuple(_units(data)),
        "towns": tuple(_towns(data, place=place)),
        "population": _population(data.get("population", {}), place=f"{place}: population"),
        "balances": _record(BalanceProfile, data["balances"], place=f"{place}: balances")
        if "balances" in data
        else None,
        "instalments": _record(InstalmentProfile, data["instalments"], place=f"{place}: instalments")
        if "instalments" in data
        else None,
        "findings": data.get("findings", 0),
        "interval_tariff": data.get("interval_tariff", ""),
        "interval_accounts": data.get("interval_accounts", 0),
        "figures": tuple(
            _record(FigureProfile, _tupled(figure), place=f"{place}: figures")
            for figure in data.get("figures", ())
        ),
        "conditions": tuple(
            _record(ConditionProfile, _tupled(each), place=f"{place}: conditions")
            for each in data.get("conditions", ())
        ),
        "chosen_tariffs": tuple(
            _chosen_tariff(each, place=f"{place}: chosen_tariffs") for each in data.get("chosen_tariffs", ())
        ),
        "settlement": _record(
            SettlementRows, _tupled(data.get("settlement", {})), place=f"{place}: settlement"
        ),
        "wording": _record(Wording, data.get("wording", {}), place=f"{place}: wording"),
        "names": _record(Names, _tupled(names), place=f"{code}/names.yaml"),
        "tariff_documents": {
            path.stem: path.read_text("utf-8") for path in sorted(folder.glob("tariffs/*.yaml"))
        },
    }
    return _record(Pack, {key: value for key, value in parts.items() if value is not None}, place=place)


def add_months(month: date, count: int) -> date:
    """The first day of the month `count` months after (or before) `month`."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


_PLAIN = (
    *("name", "country", "language", "currency", "time_zone", "service", "provider", "sequence_digits"),
    *("tariff_by", "tariff_of"),
)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UnableToReadPack(
            code="pack-file", message=f"The file cannot be read: {error}", place=str(path)
        ) from error
    if not isinstance(found, dict):
        raise UnableToReadPack(code="pack-file", message="The file has no named values.", place=str(path))
    return found


def _record(kind: type[Part], data: Mapping[str, Any], *, place: str) -> Part:
    """A dataclass from a mapping with exactly its fields; fields with a default may be left out."""
    known = {field.name: field for field in fields(kind)}
    wrong = sorted(set(data) - set(known))
    missing = sorted(name for name, field in known.items() if name not in data and _is_required(field))
    if wrong or missing:
        parts = [f"unknown: {', '.join(wrong)}"] * bool(wrong) + [f"missing: {', '.join(missing)}"] * bool(
            missing
        )
        raise UnableToReadPack(
            code="pack-clause",
            message=f"The clause has wrong names ({'; '.join(parts)}).",
            place=place,
            remedy="Correct the names; docs/packs.md lists them.",
        )
    return kind(**data)


def _is_required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _texts(data: Mapping[str, Any], *, language: str) -> dict[str, dict[str, str]]:
    """Texts by name and language; a lone text is in the pack's own language."""
    return {name: {language: text} if isinstance(text, str) else dict(text) for name, text in data.items()}


def _tupled(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _calendar(data: Mapping[str, Any], *, place: str) -> BillingCalendar:
    months = tuple(date.fromisoformat(f"{month}-01") for month in data.get("months", ()))
    return _record(BillingCalendar, {**_tupled(data), "months": months}, place=place)


def _units(data: Mapping[str, Any]) -> list[Unit]:
    organisation = data["organisation"]
    utility = Unit(organisation["code"], organisation["name"], "utility", None)
    units = [utility]
    for region in organisation["regions"]:
        units.append(Unit(region["code"], region["name"], "region", utility.code))
        units += [
            Unit(branch["code"], branch["name"], organisation["branch_kind"], region["code"])
            for branch in region["branches"]
        ]
    return units


def _towns(data: Mapping[str, Any], *, place: str) -> list[Town]:
    return [
        _record(
            Town,
            {**town, "region": region["code"], "branch": branch["code"]},
            place=f"{place}: organisation, branch {branch['code']}",
        )
        for region in data["organisation"]["regions"]
        for branch in region["branches"]
        for town in branch["towns"]
    ]


def _chosen_tariff(data: Mapping[str, Any], *, place: str) -> ChosenTariff:
    openings = {
        name: _record(OpeningRange, opening, place=f"{place}, openings, {name}")
        for name, opening in data.get("openings", {}).items()
    }
    return _record(ChosenTariff, {**_tupled(data), "openings": openings}, place=place)


def _population(data: Mapping[str, Any], *, place: str) -> Population:
    nested = {
        "buildings": tuple(
            _record(BuildingKind, _tupled(kind), place=f"{place}: buildings")
            for kind in data.get("buildings", ())
        ),
        "premises": {
            name: _record(PremiseProfile, _tupled(profile), place=f"{place}: premises, {name}")
            for name, profile in data.get("premises", {}).items()
        },
        "meter_models": {
            zones: tuple(
                _record(MeterModel, model, place=f"{place}: meter_models, {zones}") for model in models
            )
            for zones, models in data.get("meter_models", {}).items()
        },
        "bands": {band: tuple(values) for band, values in data.get("bands", {}).items()},
    }
    return _record(Population, {**_tupled(data), **nested}, place=place)
