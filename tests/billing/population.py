"""A small utility for billing tests: any number of accounts, every oddity that a run must handle, no randomness.

Account n uses service point n. By its number an account has no meter (divisible by 12), a meter of two zones (remainder
1 of 10), a category that changes on 11 April (3 of 25), residents that change on 16 March but are recorded in May
(7 of 60), a March reading that comes in May (9 of 17), a payer that moves out on 15 April (5 of 40; the next
payer is account n + 1,000,000), no reading since January (2 of 30) and a meter exchanged on 10 April (4 of 45).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
from adbc_driver_manager.dbapi import Connection

from mains.base.buckets import bucket_column
from mains.base.column_texts import text_of
from mains.base.db import adbc_connect, copy_frame, execute
from mains.base.loading import date_ranges

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OPENED = date(2020, 1, 1)
NEXT_PAYER = 1_000_000
NEW_METER = 2_000_000
READ_MONTHS = pl.date_range(date(2020, 9, 1), date(2021, 6, 1), "1mo", eager=True).to_list()

HOME = """
tariff: home
service: electricity
currency: RUB
unit: kWh
attributes: {residents: number, absent: number, metered: flag, category: text}
versions:
  - valid_from: 2020-01-01
    valid_to: 2021-05-10
    prices: &prices
      energy:
        unit: RUB/kWh
        by: category
        household: {tiers: [{upto: 150, price: 3.19}, {upto: 800, price: 4.47}, {price: 6.91}]}
        "*": {tiers: [{upto: 150, price: 2.19}, {upto: 800, price: 3.47}, {price: 5.91}]}
      norm: {unit: kWh/month, value: 50}
      standing: {unit: RUB/month, value: 12.50}
      vat: 20 %
    components: &components
      - name: supply
        formula: "tiers(if(metered, usage, (residents - absent) * norm * months), energy, scale: months)"
      - name: service
        formula: standing * months
      - name: vat
        kind: tax_included
        formula: (supply + service) * vat / (1 + vat)
  - valid_from: 2021-05-10
    prices:
      energy:
        unit: RUB/kWh
        by: category
        household: {tiers: [{upto: 150, price: 3.29}, {upto: 800, price: 4.57}, {price: 7.01}]}
        "*": {tiers: [{upto: 150, price: 2.29}, {upto: 800, price: 3.57}, {price: 6.01}]}
      norm: {unit: kWh/month, value: 50}
      standing: {unit: RUB/month, value: 12.50}
      vat: 20 %
    components: *components
"""

ZONES = """
tariff: zones
service: electricity
currency: RUB
unit: kWh
attributes: {band: text}
versions:
  - valid_from: 2020-01-01
    prices:
      day: {unit: RUB/kWh, by: band, A: {value: 5.20}, B: {value: 4.75}}
      night: {unit: RUB/kWh, by: band, A: {value: 3.40}, B: {value: 2.85}}
      vat: 7.5 %
    components:
      - {name: day_energy, formula: usage.day * day}
      - {name: night_energy, formula: usage.night * night}
      - {name: vat, kind: tax, formula: (day_energy + night_energy) * vat}
"""

_N = pl.col("n")
_HAS_METER = _N % 12 != 0
_IS_ZONED = (_N % 10 == 1) & _HAS_METER
_IS_EXCHANGED = (_N % 45 == 4) & _HAS_METER & ~_IS_ZONED
_IS_SILENT = _N % 30 == 2
_MOVES = _N % 40 == 5


def load_population(count: int) -> None:
    """Load a utility of `count` service points into the database of this process and commit."""
    numbers = pl.DataFrame({"n": pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)})
    with adbc_connect() as connection:
        for table, frame in _staff_and_network().items():
            copy_rows(frame, table, connection=connection)
        for table, frame in (_places(numbers) | _customers(numbers) | _meters(numbers)).items():
            copy_rows(frame, table, connection=connection)
        copy_rows(_readings(numbers), "metering_reading", connection=connection)
        for table in ("ledger_transaction", "customers_agreement", "tariffs_tariffedition", "metering_reading",
                      "network_premisestate", "metering_installation", "network_nodestate",
                      "network_node"):  # fmt: skip
            execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 10000000)", connection=connection
            )
        connection.commit()


def copy_rows(frame: pl.DataFrame, table: str, *, connection: Connection) -> None:
    """Append rows, or dated facts where the frame has valid_from and valid_to."""
    if "valid_from" in frame.columns:
        copy_frame(date_ranges(frame).with_columns(proof=pl.lit("")), table, connection=connection)
    else:
        copy_frame(frame, table, connection=connection)


def _rows(**columns: Sequence[object]) -> pl.DataFrame:
    return pl.DataFrame(columns)


def _staff_and_network() -> dict[str, pl.DataFrame]:
    """A utility with two centres; two feeders, A and B, with ten transformers each; feeder 4 turns B on 10 May."""
    transformers = list(range(11, 31))
    return {
        "staff_organisation": _rows(
            id=[1, 2, 3], code=["U", "N", "S"], name=["Utility", "North", "South"],
            kind=["utility", "centre", "centre"],
        ),
        "customers_party": _rows(id=[1], code=["power"], name=["Power"], kind=["supplier"]).with_columns(
            **{name: pl.lit("") for name in ("tax_number", "bank_name", "bank_code", "bank_account")}
        ),
        "tariffs_tariff": _rows(
            id=[1, 2], code=["home", "zones"], name=["Home", "Zones"],
            service=["electricity", "electricity"], currency=["RUB", "RUB"],
        ),
        "tariffs_tariffedition": _rows(
            id=[1, 2], tariff_id=[1, 2], document=[HOME, ZONES], checksum=["1", "2"], proof=["", ""],
            recorded_at=[LONG_AGO] * 2,
        ),
        "network_node": _rows(
            id=[1, 3, 4, *transformers],
            code=["source", "feeder-a", "feeder-b", *(f"transformer-{n}" for n in transformers)],
        ).with_columns(
            name="code", service=pl.lit("electricity"), kind=pl.lit("transformer")
        ),
        "network_nodeplacement": _rows(
            node_id=[3, 4, *transformers], parent_id=[1, 1, *(3 + n % 2 for n in transformers)],
            valid_from=[OPENED] * 22, recorded_at=[LONG_AGO] * 22,
        ).with_columns(valid_to=pl.lit(None, pl.Date)),
        "network_nodestate": _rows(
            id=[1, 2, 3], node_id=[3, 4, 4], band=["A", "A", "B"], supply_hours_day=[20, 20, 16],
            valid_from=[OPENED, OPENED, date(2021, 5, 10)], valid_to=[None, date(2021, 5, 10), None],
            recorded_at=[LONG_AGO] * 3,
        ),
    }  # fmt: skip


def _places(numbers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    known = {"recorded_at": pl.lit(LONG_AGO)}
    premise = numbers.select(
        id="n", building_id=pl.lit(1, pl.Int64), kind=pl.lit("flat"), flat=_N.cast(pl.String)
    )
    late = _N % 60 == 7
    return {
        "network_building": _rows(
            id=[1],
            city=["Town"],
            street=["Long"],
            house=["1"],
            postal_code=[""],
            latitude=[45.0],
            longitude=[34.0],
        ),
        "network_premise": premise.with_columns(entrance=pl.lit("1"), riser=pl.lit("")),
        "network_premisestate": numbers.select(
            id="n",
            premise_id="n",
            residents=(_N % 4 + 1).cast(pl.Int16),
            rooms=pl.lit(2, pl.Int16),
            floor_area_m2_micro=pl.lit(54_000_000, pl.Int64),
            heated_area_m2_micro=pl.lit(50_000_000, pl.Int64),
            storey_height_mm=pl.lit(2700, pl.Int32),
            location=pl.lit("urban"),
            cooker=pl.lit("gas"),
            meter_possible=pl.lit(value=True),
            valid_from=pl.lit(OPENED),
            valid_to=pl.lit(None, pl.Date),
            superseded_at=pl.when(late).then(datetime(2021, 5, 3, tzinfo=UTC)),
            **known,
        ),
        "network_servicepoint": numbers.select(
            id="n",
            code=text_of("SP{}", "n"),
            premise_id="n",
            service=pl.lit("electricity"),
            node_id=11 + _N % 20,
            bucket=bucket_column("n"),
            connected_on=pl.lit(OPENED),
        ),
    }


def late_residents(count: int) -> pl.DataFrame:
    """The premise states that replace the superseded ones: another resident from 16 March on."""
    numbers = pl.DataFrame({"n": pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)}).filter(_N % 60 == 7)
    before = _places(numbers)["network_premisestate"].with_columns(
        superseded_at=pl.lit(None, pl.Datetime("us", "UTC")),
        recorded_at=pl.lit(datetime(2021, 5, 3, tzinfo=UTC)),
    )
    change = date(2021, 3, 16)
    return pl.concat(
        [
            before.with_columns(valid_to=pl.lit(change)),
            before.with_columns(
                valid_from=pl.lit(change), residents=(pl.col("residents") + 1).cast(pl.Int16)
            ),
        ]
    ).drop("id")


def _customers(numbers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    movers = numbers.filter(_MOVES).with_columns(account=_N + NEXT_PAYER)
    holders = pl.concat([numbers.with_columns(account="n"), movers])
    move, change = date(2021, 4, 15), date(2021, 4, 11)
    agreement = numbers.select(
        account_id="n",
        service_point_id="n",
        tariff_id=pl.when(_IS_ZONED).then(2).otherwise(1).cast(pl.Int64),
        provider_id=pl.lit(1, pl.Int64),
        category=pl.lit("household"),
        load_class=pl.lit(""),
        contract_number=pl.lit(""),
        valid_from=pl.lit(OPENED),
        valid_to=pl.when(_MOVES).then(move).when(_N % 25 == 3).then(change),
        recorded_at=pl.lit(LONG_AGO),
    )
    following = agreement.filter(pl.col("valid_to").is_not_null()).with_columns(
        account_id=pl.when(pl.col("valid_to") == move)
        .then(pl.col("account_id") + NEXT_PAYER)
        .otherwise("account_id"),
        category=pl.when(pl.col("valid_to") == change).then(pl.lit("large_family")).otherwise("category"),
        valid_from="valid_to",
        valid_to=pl.lit(None, pl.Date),
    )
    return {
        "customers_customer": holders.select(
            id="account", kind=pl.lit("person"), name=text_of("Customer {}", "account"), language=pl.lit("en"),
            tax_number=pl.lit(""), phone=pl.lit(""), email=pl.lit(""),
        ),
        "customers_account": holders.select(
            id="account",
            number=pl.col("account").cast(pl.String),
            customer_id="account",
            organisation_id=2 + _N % 2,
            cycle=pl.lit("monthly"),
            bucket=bucket_column("account"),
            opened_on=pl.lit(OPENED),
        ),
        "customers_agreement": pl.concat([agreement, following]).with_row_index("id", offset=1).cast({"id": pl.Int64}),
    }  # fmt: skip


def _meters(numbers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    metered = numbers.filter(_HAS_METER)
    exchanged = metered.filter(_IS_EXCHANGED)
    meters = pl.concat([metered.with_columns(meter="n"), exchanged.with_columns(meter=_N + NEW_METER)])
    zones = pl.when(_IS_ZONED).then([1, 2]).otherwise([0]).cast(pl.List(pl.Int16))
    swap = date(2021, 4, 10)
    is_new = pl.col("meter") > NEW_METER
    return {
        "metering_meter": meters.select(
            id="meter",
            serial=pl.col("meter").cast(pl.String),
            model=pl.lit("M1"),
            service=pl.lit("electricity"),
        ),
        "metering_register": meters.with_columns(zone=zones)
        .explode("zone", empty_as_null=True)
        .select(
            id=pl.col("meter") * 10 + pl.col("zone"),
            meter_id="meter",
            zone="zone",
            digits=pl.lit(5, pl.Int16),
            decimals=pl.lit(0, pl.Int16),
            multiplier_micro=pl.lit(1_000_000, pl.Int64),
        ),
        "metering_installation": meters.select(
            id="meter",
            meter_id="meter",
            service_point_id="n",
            seal_number=pl.lit(""),
            valid_from=pl.when(is_new).then(swap).otherwise(OPENED),
            valid_to=pl.when(_IS_EXCHANGED & ~is_new).then(swap + timedelta(days=1)),
            recorded_at=pl.lit(LONG_AGO),
        ),
    }


def _readings(numbers: pl.DataFrame) -> pl.DataFrame:
    """A reading a month on day n % 28 + 1; registers start near their end, so that some roll over."""
    registers = (
        _meters(numbers)["metering_register"]
        .select(register_id="id", meter="meter_id", zone="zone")
        .with_columns(n=pl.col("meter") % NEW_METER)
    )
    rows = registers.join(
        pl.DataFrame({"month": READ_MONTHS}).with_row_index("step"), how="cross"
    ).with_columns(reading_date=pl.col("month").dt.offset_by(text_of("{}d", _N % 28)))
    swap, step = date(2021, 4, 10), pl.col("step").cast(pl.Int64)
    is_new = pl.col("meter") > NEW_METER
    dated = rows.filter(
        pl.when(is_new)
        .then(pl.col("reading_date") > swap)
        .when(_IS_EXCHANGED)
        .then(pl.col("reading_date") < swap)
        .otherwise(pl.lit(value=True)),
        ~_IS_SILENT | (pl.col("month") < date(2021, 1, 20)),
    )
    ends = pl.concat(
        [
            rows.filter(_IS_EXCHANGED, ~is_new, step == 7).with_columns(reading_date=pl.lit(swap)),
            rows.filter(is_new, step == 0).with_columns(reading_date=pl.lit(swap - timedelta(days=1))),
        ]
    )
    value = (99_000 + _N * 7 % 900 + step * (60 + _N * 37 % 240) + (step * step * (_N % 5))) % 100_000
    late = (_N % 17 == 9) & (pl.col("month") == date(2021, 3, 1))
    known = pl.col("reading_date").cast(pl.Datetime("us", "UTC")) + timedelta(days=1, hours=12)
    return (
        pl.concat([dated, ends])
        .with_columns(step=step)
        .sort("reading_date", "register_id")
        .with_row_index("id", offset=1)
        .select(
            pl.col("id").cast(pl.Int64),
            "register_id",
            "reading_date",
            bucket=bucket_column("n"),
            value_micro=pl.when(is_new).then(step * 50).otherwise(value) * 1_000_000,
            source=pl.lit(20, pl.Int16),
            recorded_at=pl.when(late).then(datetime(2021, 5, 5, tzinfo=UTC)).otherwise(known),
            proof=pl.lit(""),
        )
    )
