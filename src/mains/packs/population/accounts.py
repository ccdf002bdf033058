"""Premises' states, customers, accounts and agreements of a slice of service points."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mains.base.column_texts import text_of
from mains.kernel.identifiers import check_digit
from mains.packs.definition import Pack, add_months
from mains.packs.population.draws import Draws, Flags, Integers
from mains.packs.population.people import firm_names, person_names
from mains.packs.population.places import premise_kinds
from mains.packs.population.tax_numbers import tax_number

Dates = NDArray[np.datetime64]
NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Slice:
    """The service points of one slice (ids = account ids of their first payers) and what other steps made of
    them.

    `second_payer` is the account id of the next payer, 0 where the payer does not change; `moved_on` is the
    day from which the next payer pays, or the supply is unpaid by anybody (vacant). `shares_meter`: the flats of the
    house have one meter together. `chosen`: which of the pack's `chosen_tariffs` the payer has, −1 for none of them.
    """

    point: Integers
    second_payer: Integers
    kind: Integers
    organisation: Integers
    officer: Integers
    building: Integers
    connected_on: Dates
    opened_on: Dates
    moved_on: Dates
    metered: Flags
    zones: NDArray[np.object_]
    category: NDArray[np.object_]
    load_class: NDArray[np.object_]
    monthly_kwh: Integers
    shares_meter: Flags
    chosen: Integers
    fed_in_percent: Integers

    def __len__(self) -> int:
        return len(self.point)


def draw_slice(
    pack: Pack,
    *,
    point: Integers,
    second_payer: Integers,
    kind: Integers,
    organisation: Integers,
    officer: Integers,
    building: Integers,
    floors: Integers,
    shares_meter: Flags,
    draws: Draws,
    choices: Draws,
) -> Slice:
    """Decide for each point since when it is connected, who moves when, and how much it uses through which
    meter.
    """
    shares, calendar, count = pack.population, pack.billing, len(point)
    first, last = calendar.months[0], add_months(calendar.months[-1], 1)
    connected = draws.days(date(1996, 1, 1), calendar.history_from - timedelta(days=400), count)
    fresh = draws.chance(shares.new_connection_share, count) & (second_payer == 0)
    connected = np.where(fresh, draws.days(calendar.history_from, last - timedelta(days=8), count), connected)
    opened = _between(connected, np.datetime64(calendar.history_from, "D"), draws=draws)
    opened = np.where(fresh | draws.chance(0.55, count), connected, opened)
    move_day = draws.days(first + timedelta(days=2), last - timedelta(days=6), count)
    vacant = draws.chance(shares.vacant_share, count) & (second_payer == 0) & ~fresh
    moved = np.where((second_payer > 0) | vacant, move_day, NEVER)
    profiles = list(shares.premises.values())
    category, load_class = np.full(count, "", dtype=object), np.full(count, "", dtype=object)
    monthly = np.zeros(count, dtype=np.int64)
    for position, profile in enumerate(profiles):
        rows = np.flatnonzero(kind == position)
        category[rows] = draws.pick_key(profile.categories, len(rows))
        load_class[rows] = draws.pick_key(profile.load_classes, len(rows))
        if profile.load_class_floors:
            reached = np.searchsorted([*profile.load_class_floors.values()], floors[rows])
            load_class[rows] = np.array([*profile.load_class_floors], dtype=object)[reached]
        monthly[rows] = draws.quantile(profile.monthly_kwh, len(rows))
    for name, most in shares.category_kwh_max.items():
        rows = np.flatnonzero(category == name)
        monthly[rows] = draws.integers(most // 5, most, len(rows))
    is_home = np.array([profile.residents[1] > 0 for profile in profiles])[kind]
    unmetered = (draws.chance(shares.unmetered_share, count) & is_home) | shares_meter
    officer = np.where(draws.chance(shares.unmapped_share, count), 0, officer)
    zones = np.where(unmetered, "total", draws.pick_key(shares.zones, count))
    settled = ~unmetered & np.isnat(moved) & ~fresh
    chosen, fed_in = _choose_tariffs(
        pack, kind=kind, category=category, zones=zones, free=settled, draws=choices
    )
    return Slice(
        point=point,
        second_payer=second_payer,
        kind=kind,
        organisation=organisation,
        officer=officer,
        building=building,
        connected_on=connected,
        opened_on=opened,
        moved_on=moved,
        metered=~unmetered,
        zones=zones,
        category=category,
        load_class=load_class,
        monthly_kwh=monthly,
        shares_meter=shares_meter,
        chosen=chosen,
        fed_in_percent=fed_in,
    )


def _choose_tariffs(
    pack: Pack,
    *,
    kind: Integers,
    category: NDArray[np.object_],
    zones: NDArray[np.object_],
    free: Flags,
    draws: Draws,
) -> tuple[Integers, Integers]:
    """Which of the pack's chosen tariffs each point has, and what it feeds in, in percent of what it draws; sets the
    zones that go with them. Only who has a meter and neither came nor goes may choose; at least two of each do."""
    count = len(kind)
    chosen = np.full(count, -1, dtype=np.int64)
    fed_in = np.zeros(count, dtype=np.int64)
    kinds = np.array(premise_kinds(pack), dtype=object)
    for position, choice in enumerate(pack.chosen_tariffs):
        may = free & (chosen < 0) & (kinds[kind] == choice.premise) & (category == choice.category)
        takes = draws.chance(choice.share, count)
        takes[np.flatnonzero(may)[:2]] = True
        rows = np.flatnonzero(may & takes)
        chosen[rows], zones[rows] = position, choice.zones
        fed_in[rows] = draws.integers(*choice.fed_in_percent, len(rows))
    return chosen, fed_in


def _between(first: Dates, last: np.datetime64, *, draws: Draws) -> Dates:
    """A day from each first day up to the day before `last`."""
    length = np.maximum((last - first).astype(np.int64), 1)
    spread: Dates = first + (draws.integers(0, 1 << 30, len(first)) % length).astype("timedelta64[D]")
    return spread


def premise_rows(pack: Pack, part: Slice, *, draws: Draws) -> pl.DataFrame:
    """States of the premises: `premise_id`, the columns of PremiseState, `valid_from`, `valid_to`,
    `known_on`, `superseded_on`. Where residents change, the open state is superseded by a closed one and a
    new one.
    """
    count, shares = len(part), pack.population
    lowest, highest = shares.storey_height_mm
    rooms, area, residents = (np.zeros(count, dtype=np.int64) for _ in range(3))
    for position, profile in enumerate(shares.premises.values()):
        rows = np.flatnonzero(part.kind == position)
        rooms[rows] = draws.integers(*profile.rooms, len(rows))
        area[rows] = rooms[rows] * draws.integers(*profile.area_per_room_m2, len(rows))
        # The lower of two draws: small households are the more common.
        residents[rows] = np.minimum(
            draws.integers(*profile.residents, len(rows)), draws.integers(*profile.residents, len(rows))
        )
    frame = pl.DataFrame(
        {
            "premise_id": part.point,
            "residents": residents,
            "rooms": rooms,
            "floor_area_m2_micro": area * 1_000_000,
            "heated_area_m2_micro": area * 920_000,
            "storey_height_mm": 100 * draws.integers(lowest // 100, highest // 100, count),
            "cooker": np.where(draws.chance(shares.electric_cooker_share, count), "electric", "gas").astype(
                object
            ),
            "meter_possible": draws.chance(shares.meter_possible_share, count) | part.metered,
            "valid_from": part.connected_on,
        },
        schema_overrides={"cooker": pl.String},
    )
    change = (draws.chance(shares.changed_residents_share, count)) & (residents > 0)
    change_day = draws.days(
        pack.billing.months[0] + timedelta(days=3), pack.billing.months[-1] + timedelta(days=22), count
    )
    change &= change_day > part.connected_on
    more = np.maximum(residents + np.where(draws.chance(0.6, count), 1, -1), 1)
    frame = frame.with_columns(changed_on=pl.Series(np.where(change, change_day, NEVER)).cast(pl.Date))
    return split_facts(frame, changed_on="changed_on", changes={"residents": pl.Series(more)}, delay_days=2)


def split_facts(
    frame: pl.DataFrame, *, changed_on: str, changes: dict[str, pl.Series], delay_days: int
) -> pl.DataFrame:
    """Facts as they were recorded over time: where `changed_on` is set, the open fact, superseded
    `delay_days` after the change became known, then its closed form and, if `changes` is not empty, the
    changed fact.

    Adds `valid_to`, `known_on` (null: known from the start) and `superseded_on`; drops the column
    `changed_on`.
    """
    day = pl.col(changed_on)
    known = day + pl.duration(days=delay_days)
    nothing = pl.lit(None, pl.Date)
    opening = frame.with_columns(valid_to=nothing, known_on=nothing, superseded_on=known)
    changed = frame.with_columns(**changes).filter(day.is_not_null())
    closed = frame.filter(day.is_not_null()).with_columns(valid_to=day, known_on=known, superseded_on=nothing)
    parts = [opening, closed]
    if changes:
        parts.append(
            changed.with_columns(valid_from=day, valid_to=nothing, known_on=known, superseded_on=nothing)
        )
    return pl.concat(parts).drop(changed_on)


def customer_rows(pack: Pack, part: Slice, *, draws: Draws) -> tuple[pl.DataFrame, Integers]:
    """Customers of all the slice's accounts, and each account's customer id.

    A customer's id is the id of the first account; some accounts belong to the customer of the account
    before.
    """
    account, position = _payers(part)
    count = len(account)
    profiles = list(pack.population.premises.values())
    share = np.array([round(profile.organisation_share * 1000) for profile in profiles])[part.kind[position]]
    is_firm = draws.integers(0, 999, count) < share
    shared = draws.chance(pack.population.shared_customer_share, count) & (np.arange(count) > 0)
    shared[1:] &= (is_firm[1:] == is_firm[:-1]) & ~shared[:-1]
    customer = np.where(shared, np.roll(account, 1), account)
    names = person_names(pack, count=count, draws=draws)["full"]
    firms = firm_names(pack, numbers=draws.integers(0, 1_000_000, count))
    has_email = draws.chance(0.3, count)
    frame = pl.DataFrame(
        {"id": account, "is_firm": is_firm, "name": names, "firm": firms, "email": has_email}
    ).select(
        "id",
        kind=pl.when("is_firm").then(pl.lit("organisation")).otherwise(pl.lit("person")),
        name=pl.when("is_firm").then("firm").otherwise("name"),
        tax_number=pl.when("is_firm").then(tax_number(pack.country)).otherwise(pl.lit("")),
        phone=pl.lit(pack.wording.phone) + (pl.col("id") % 10_000_000).cast(pl.String).str.zfill(7),
        email=pl.when("email").then(text_of("customer{}@example.org", "id")).otherwise(pl.lit("")),
        language=pl.lit(pack.language),
    )
    return frame.filter(pl.Series(~shared)), customer


def _payers(part: Slice) -> tuple[Integers, Integers]:
    """Account ids of the slice, first payers then second ones, and the position of each one's point."""
    second = np.flatnonzero(part.second_payer > 0)
    account = np.concatenate((part.point, part.second_payer[second]))
    return account, np.concatenate((np.arange(len(part), dtype=np.int64), second))


def account_rows(pack: Pack, part: Slice, *, customer: Integers) -> pl.DataFrame:
    """Accounts: the columns of Account but bucket. The first payer's is closed on the day the next one's
    opens.
    """
    account, position = _payers(part)
    is_second = np.arange(len(account)) >= len(part)
    moved = part.moved_on[position]
    return pl.DataFrame(
        {
            "id": account,
            "number": account_numbers(account, digits=pack.sequence_digits),
            "customer_id": customer,
            "organisation_id": part.organisation[position],
            "opened_on": np.where(is_second, moved, part.opened_on[position]),
            "closed_on": np.where(is_second, NEVER, moved),
        }
    ).with_columns(cycle=pl.lit(pack.billing.cycle))


def idle_rows(part: Slice) -> pl.DataFrame:
    """Points that are vacant since somebody moved out: service_point_id, valid_from, known_on, proof (the act)."""
    vacant = np.flatnonzero(~np.isnat(part.moved_on) & (part.second_payer == 0))
    return pl.DataFrame(
        {"service_point_id": part.point[vacant], "valid_from": part.moved_on[vacant]}
    ).with_columns(
        known_on=pl.col("valid_from") + pl.duration(days=2), proof=text_of("V-{}", "service_point_id")
    )


def account_numbers(account: Integers, *, digits: int) -> pl.Series:
    """Account numbers: the id with leading zeros, spread so that neighbours differ, and its Damm check digit."""
    limit = 10**digits
    spread = account * 7_368_787 % limit  # prime to the limit, so that different ids give different numbers
    table = _check_table()
    interim = np.zeros(len(account), dtype=np.int64)
    for place in range(digits - 1, -1, -1):
        interim = table[interim, spread // 10**place % 10]
    return pl.Series(spread * 10 + interim).cast(pl.String).str.zfill(digits + 1)


def _check_table() -> Integers:
    """The check digit's table of interim and next digit, read off the kernel's function."""
    # One digit leads from 0 to each interim value, because a row of the table is a permutation.
    leading = {check_digit(str(digit)): str(digit) for digit in range(10)}
    return np.array(
        [
            [int(check_digit(leading[str(interim)] + str(digit))) for digit in range(10)]
            for interim in range(10)
        ],
        dtype=np.int64,
    )


def tariff_codes(pack: Pack, part: Slice) -> NDArray[np.object_]:
    """The tariff by which each point is paid."""
    codes = np.array([pack.tariff_of[str(name)] for name in _tariff_keys(pack, part)], dtype=object)
    for position, choice in enumerate(pack.chosen_tariffs):
        codes[part.chosen == position] = choice.tariff
    return codes


def _tariff_keys(pack: Pack, part: Slice) -> NDArray[np.object_]:
    """By what each agreement finds its tariff: the zones of the meter, the category, or how a household is measured:
    `own_meter`, `house_meter` or `area`, and the category of the others."""
    if pack.tariff_by == "zones":
        return part.zones
    if pack.tariff_by != "metering":
        return part.category
    measured = np.where(part.metered, "own_meter", np.where(part.shares_meter, "house_meter", "area"))
    return np.where(part.category == "household", measured, part.category).astype(object)


def agreement_rows(
    pack: Pack, part: Slice, *, tariffs: dict[str, int], parties: dict[str, int]
) -> pl.DataFrame:
    """Agreements with `valid_from`, `valid_to`, `known_on`, `superseded_on`; a move supersedes the open
    agreement.
    """
    tariff = np.array([tariffs[code] for code in tariff_codes(pack, part)], dtype=np.int64)
    managers = [parties[code] for code in pack.managers]
    flats = np.array([kind == "flat" for kind in premise_kinds(pack)])[part.kind]
    manager = np.array(managers, dtype=np.int64)[part.building % len(managers)] if managers else None
    year = part.opened_on.astype("datetime64[Y]").astype(np.int64) + 1970
    frame = pl.DataFrame(
        {
            "account_id": part.point,
            "service_point_id": part.point,
            "tariff_id": tariff,
            "category": part.category,
            "load_class": part.load_class,
            "year": year,
            "valid_from": part.opened_on,
            "moved_on": part.moved_on,
            "second": part.second_payer,
        },
        schema_overrides={"category": pl.String, "load_class": pl.String},
    ).with_columns(
        provider_id=pl.lit(parties[pack.provider], pl.Int64),
        manager_id=pl.lit(None, pl.Int64)
        if manager is None
        else pl.when(pl.Series(flats)).then(pl.Series(manager)),
    )
    before = split_facts(frame, changed_on="moved_on", changes={}, delay_days=2)
    moved = frame.filter(pl.col("second") > 0)
    after = moved.with_columns(
        account_id=pl.col("second"),
        valid_from=pl.col("moved_on"),
        valid_to=pl.lit(None, pl.Date),
        known_on=pl.col("moved_on") + pl.duration(days=2),
        superseded_on=pl.lit(None, pl.Date),
        year=pl.col("moved_on").dt.year().cast(pl.Int64),
    ).drop("moved_on")
    contract = pack.wording.contract.replace("{year}", "{}").replace("{number}", "{}")
    rows = pl.concat([before, after.select(before.columns)])
    return rows.with_columns(
        contract_number=text_of(contract, "year", pl.col("account_id").cast(pl.String).str.zfill(7))
    ).drop("year", "second")
