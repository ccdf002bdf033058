"""What a pack may have besides: meters and figures of nodes, conditions of supply, tariffs that people choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class BalanceProfile:
    """Which nodes of the demo have meters of their own, and how houses share their remainder.

    Shares are fractions of 1; among the houses with a meter `theft_share` lose much more than the others and
    `negative_share` count less than their flats. `cap_norm_wh_m2`: Wh per m² of common area and month, 0 for no cap;
    `norm_person_kwh`: use of a flat without a meter, per resident and month. `rest_tariff`: by which managing companies
    pay what is over the cap; without it that stays the utility's loss. `replaces_meters`: flats of a house with a meter
    have none of their own, so that they share all that it counts.
    """

    house_share: float
    transformer_share: float
    feeder_share: float
    theft_share: float
    negative_share: float
    key: str
    negative: str
    cap_norm_wh_m2: int
    norm_person_kwh: int
    meter_model: str
    rest_tariff: str = ""
    replaces_meters: bool = False


@dataclass(frozen=True)
class InstalmentProfile:
    """Instalment plans of the demo's debtors after the first billed month, of each kind some.

    `rule` is the interest of a fixed payment (engine's language, "": none); `document` and `order` have a {number}.
    """

    plans: int
    grace_days: int
    approval_above_minor: int
    step_minor: int
    rests: bool
    proof: str
    reason: str
    document: str
    order: str
    rule: str = ""


@dataclass(frozen=True)
class PublishedRate:
    """A rate that others publish, percent, from a day until the next of its code."""

    code: str
    percent: str
    valid_from: date
    proof: str


@dataclass(frozen=True)
class InterestClause:
    """A rule of late interest (engine's language) for debts due from a day on, at its own rates or `key_rate`."""

    rule: str
    valid_from: date
    proof: str
    key_rate: str = ""
    service: str = ""
    category: str = ""


@dataclass(frozen=True)
class LimitationClause:
    """After how many years debts due from a day on are time-barred."""

    years: int
    interruption: str
    valid_from: date
    proof: str
    service: str = ""


@dataclass(frozen=True)
class LateMoney:
    """What the law of a country says of debts that are paid late, each clause with its source."""

    rates: tuple[PublishedRate, ...] = ()
    interest: tuple[InterestClause, ...] = ()
    limitation: tuple[LimitationClause, ...] = ()


@dataclass(frozen=True)
class FigureProfile:
    """A figure of every node of the kind `at`, between `low` and `high`, both in thousandths of its unit.

    `monthly`: a new one for every billed month, known the day after it; before the first billed month `before` holds.
    `corrected` is added to the first node's figure of the first billed month when that is billed already. `by_month`
    adds to the draw of each billed month in turn, as a season does; nothing holds before then.
    """

    name: str
    at: str
    low: int
    high: int
    proof: str
    monthly: bool = False
    before: int = 0
    corrected: int = 0
    by_month: tuple[int, ...] = ()


@dataclass(frozen=True)
class ConditionProfile:
    """A condition of supply at a share of the premises of the kinds named, over [valid_from, valid_to), known at noon
    of `known_on`. A whole `value` is in thousandths of the attribute's unit, a text is a word; `proof` may have a
    {number}. With `tariffs` only who pays by one of them has it.
    """

    name: str
    value: int | str
    share: float
    premises: tuple[str, ...]
    valid_from: date
    known_on: date
    proof: str
    valid_to: date | None = None
    tariffs: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpeningRange:
    """What a balance opens with in the first billed month: whole units from `low` to `high`, times the account's use of
    a month where `per_use` says so."""

    low: int
    high: int
    per_use: bool = False


@dataclass(frozen=True)
class ChosenTariff:
    """A tariff that a share of the homes of a kind and category has chosen, instead of the usual one.

    `zones`: what their meters count. `fed_in_percent`: of what they draw, lowest and highest, where a register counts
    what they feed in.
    """

    tariff: str
    share: float
    premise: str
    category: str
    zones: str
    openings: Mapping[str, OpeningRange]
    fed_in_percent: tuple[int, int] = (0, 0)
