"""Accounts whose tariff carries balances, added to the population of the billing tests: a meter of two registers each,
one for what is drawn and one for what is fed in, read on the last day of every month.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
from django.db import connection

from billing.population import LONG_AGO, OPENED
from mains.base.buckets import bucket_column
from mains.base.dated import record_fact
from mains.customers.models import Account, Agreement, Customer
from mains.kernel.period import next_month
from mains.metering.models import Installation, Meter, Reading, Register
from mains.metering.values import Zone
from mains.network.models import ServicePoint
from mains.tariffs.actions.publish import publish_tariff

DAY = timedelta(days=1)

NET = """
tariff: net
service: electricity
currency: RUB
unit: kWh
seasons:
  settlement: {from: "03-01", to: "03-31"}
  rest: {from: "04-01", to: "02-29"}
quantities: {export: kWh}
balances: {credit: kWh}
versions:
  - valid_from: 2020-01-01
    prices:
      energy: 4.00 RUB/kWh
      surplus: 1.50 RUB/kWh
      settles: {unit: "%", by: season, settlement: {value: 100}, rest: {value: 0}}
    components:
      - name: energy
        title: {en: Energy, ru: Энергия}
        formula: "max(usage - export - credit, 0) * prices.energy"
      - {name: left, kind: quantity, unit: kWh, formula: "max(credit + export - usage, 0)"}
      - {name: true_up, kind: subsidy, formula: -left * settles * surplus}
      - name: credit
        kind: balance
        title: {en: Carried energy, ru: Перенесённая энергия}
        formula: left * (1 - settles)
"""
"""What is fed in beyond use goes to the next bill; what is left at the end of March is paid for."""


BUDGET = """
tariff: budget
service: electricity
currency: RUB
unit: kWh
seasons:
  m03: {from: "03-01", to: "03-31"}
  m04: {from: "04-01", to: "04-30"}
  m05: {from: "05-01", to: "05-31"}
  m06: {from: "06-01", to: "06-30"}
  m07: {from: "07-01", to: "02-29"}
balances: {owed: RUB, instalment: RUB}
versions:
  - valid_from: 2020-01-01
    prices:
      price: 3.00 RUB/kWh
      first: 600 RUB/bill
      expected: 600 RUB/bill
      tolerance: 50 %
      settles: {unit: "%", by: season, m06: {value: 100}, "*": {value: 0}}
      left: {unit: "%", by: season, m03: {value: 300}, m04: {value: 200}, m05: {value: 100}, "*": {value: 0}}
    components:
      - {name: used, kind: info, unit: RUB, formula: usage * price, round: 0.01}
      - {name: due, kind: info, unit: RUB, formula: "if(instalment > 0, instalment, first)"}
      - {name: owed_now, kind: info, unit: RUB, formula: owed + used - due}
      - {name: budget, formula: "if(settles > 0, owed + used, due)"}
      - {name: owed, kind: balance, formula: owed_now * (1 - settles)}
      - name: instalment
        kind: balance
        formula: "if(left > 0 and abs(owed_now) > tolerance * due, round((owed_now + left * expected) / left), due)"
"""
"""Equal amounts from March on, set anew when more than half of one is owed, settled in June."""

HEAT = """
tariff: two-part-heat
service: electricity
currency: RUB
unit: kWh
balances: {surplus: RUB}
versions:
  - valid_from: 2020-01-01
    prices: {prepaid_month: 1890 RUB/bill, basic: 30 %, heat: 0.18 RUB/kWh}
    components:
      - {name: settled, kind: info, unit: RUB, formula: basic * prepaid_month + usage * heat}
      - {name: prepaid, formula: "max(prepaid_month - surplus, 0)"}
      - {name: surplus, kind: balance, formula: "max(surplus + prepaid - settled, 0)"}
"""
"""A surplus is carried, a deficit never charged: the rule of the case cn-xinxiang-two-seasons, month by month."""


PLAIN = """
tariff: plain
service: electricity
currency: RUB
unit: kWh
versions:
  - valid_from: 2020-01-01
    prices: {energy: 4.00 RUB/kWh}
    components:
      - {name: energy, formula: usage * prices.energy}
"""
"""What is fed in counts for nothing."""


def read_at(point: int, zone: int, day: date, value: int, *, now: datetime | None = None) -> Reading:
    """A reading of a register, known the day after unless said otherwise."""
    installed = Installation.objects.filter(service_point_id=point, superseded_at=None).latest("valid")
    bucket = pl.DataFrame({"n": [point]}).select(bucket_column("n")).item()
    return Reading.objects.create(
        register=Register.objects.get(meter_id=installed.meter_id, zone=zone),
        bucket=bucket,
        reading_date=day,
        value_micro=value * 1_000_000,
        source=20,
        recorded_at=now or datetime.combine(day + DAY, time(8), tzinfo=UTC),
    )


def add_account(
    number: int,
    *,
    tariff: str,
    months: Sequence[tuple[int, ...]],
    first_month: date,
    since: date | None = None,
    zones: tuple[int, ...] = (Zone.TOTAL, Zone.EXPORT),
    gas_node_id: int | None = None,
) -> int:
    """An account with a service point of the same number, in the place of the first of all, of gas at the node or else
    of electricity. `months` are what is drawn
    and fed in, month by month from `first_month` on; the agreement begins on `since`, or long ago."""
    neighbour = Agreement.objects.filter(service_point__service="electricity", superseded_at=None).order_by(
        "service_point_id"
    )[0]
    service = "gas" if gas_node_id else "electricity"
    customer = Customer.objects.create(id=number, kind="person", name=f"Prosumer {number}", language="en")
    bucket = pl.DataFrame({"n": [number]}).select(bucket_column("n")).item()
    Account.objects.create(
        id=number, number=str(number), customer=customer, opened_on=OPENED, cycle="monthly",
        organisation_id=neighbour.account.organisation_id, bucket=bucket,
    )  # fmt: skip
    ServicePoint.objects.create(
        id=number, code=f"SP{number}", premise_id=neighbour.service_point.premise_id, service=service,
        node_id=gas_node_id or neighbour.service_point.node_id, bucket=bucket, connected_on=OPENED,
    )  # fmt: skip
    meter = Meter.objects.create(id=number, serial=f"P{number}", model="P", service=service)
    for zone in zones:
        Register.objects.create(id=number * 10 + zone, meter=meter, zone=zone, digits=6)
    record_fact(
        model=Installation, subject={"meter_id": meter.pk},
        values={"service_point_id": number, "seal_number": ""}, valid_from=OPENED, actor=None, now=LONG_AGO,
    )  # fmt: skip
    agree(number, tariff=tariff, since=since or OPENED, now=LONG_AGO)
    counted = [0] * len(zones)
    month = first_month
    for zone in zones:
        read_at(number, zone, first_month - DAY, 0)
    for amounts in months:
        counted = [count + amount for count, amount in zip(counted, amounts, strict=True)]
        for zone, value in zip(zones, counted, strict=True):
            read_at(number, zone, next_month(month) - DAY, value)
        month = next_month(month)
    return number


def agree(
    point: int,
    *,
    tariff: str,
    since: date,
    now: datetime,
    account: int | None = None,
    until: date | None = None,
) -> None:
    """The account of the point's number, or another, pays for the point by the tariff."""
    record_fact(
        model=Agreement,
        subject={"service_point_id": point},
        values={
            "account_id": account or point,
            "tariff_id": publish_id(tariff),
            "provider_id": Agreement.objects.order_by("pk")[0].provider_id,
            "manager_id": None,
            "category": "household",
            "load_class": "",
            "contract_number": "",
        },
        valid_from=since,
        valid_to=until,
        actor=None,
        now=now,
    )


def publish_id(document: str, *, now: datetime = LONG_AGO) -> int:
    """The id of the tariff of a document, which is published unless it is."""
    with connection.cursor() as cursor:  # the population numbers its tariffs itself
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('tariffs_tariff', 'id'), (SELECT max(id) FROM tariffs_tariff))"
        )
    return publish_tariff(document=document, now=now).tariff_id
