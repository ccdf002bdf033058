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
    months: Sequence[tuple[int, int]],
    first_month: date,
    since: date | None = None,
    zones: tuple[int, ...] = (Zone.TOTAL, Zone.EXPORT),
) -> int:
    """An account with a service point of the same number. `months` are what is drawn and fed in, month by month from
    `first_month` on; the agreement begins on `since`, or long ago."""
    customer = Customer.objects.create(id=number, kind="person", name=f"Prosumer {number}", language="en")
    bucket = pl.DataFrame({"n": [number]}).select(bucket_column("n")).item()
    Account.objects.create(
        id=number, number=str(number), customer=customer, organisation_id=2, opened_on=OPENED, cycle="monthly",
        bucket=bucket,
    )  # fmt: skip
    ServicePoint.objects.create(
        id=number, code=f"SP{number}", premise_id=1, service="electricity", node_id=11, bucket=bucket,
        connected_on=OPENED,
    )  # fmt: skip
    meter = Meter.objects.create(id=number, serial=f"P{number}", model="P", service="electricity")
    for zone in zones:
        Register.objects.create(id=number * 10 + zone, meter=meter, zone=zone, digits=6)
    record_fact(
        model=Installation, subject={"meter_id": meter.pk},
        values={"service_point_id": number, "seal_number": ""}, valid_from=OPENED, actor=None, now=LONG_AGO,
    )  # fmt: skip
    agree(number, tariff=tariff, since=since or OPENED, now=LONG_AGO)
    counted = [0, 0]
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
            "provider_id": 1,
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
