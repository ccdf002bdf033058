"""The accounts whose recalculation is timed, by kind, and the late reading of each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from mains.base.dated import record_fact
from mains.base.rows import fetch_rows
from mains.billing.actions.openings import record_opening_balance
from mains.customers.models import Agreement
from mains.tariffs.actions.publish import publish_tariff

_SERVICE = "electricity"
_CARRYING = """
tariff: benchmark-carried
service: electricity
currency: RUB
unit: kWh
balances: {credit: kWh}
versions:
  - valid_from: 2010-01-01
    prices: {energy: 4.00 RUB/kWh, included: 10 kWh/month}
    components:
      - {name: energy, formula: "max(usage - included * months - credit, 0) * prices.energy"}
      - {name: credit, kind: balance, formula: "max(credit + included * months - usage, 0)"}
"""
"""Energy included in a month that is not used goes to the next bill."""


@dataclass(frozen=True)
class LateReading:
    """A reading nobody reported, soon after the last that came, and low; of an account's service point."""

    account_id: int
    service_point_id: int
    service: str
    register_id: int
    day: date
    value: int


def list_late_readings(*, last_read: date, supplied_on: date) -> list[LateReading]:
    """One of each account with a register last read within the 20 days before `last_read`, where readings end, and
    supplied by the same agreement since `supplied_on` at the latest."""
    statement = """
        SELECT DISTINCT ON (a.account_id) a.account_id, a.service_point_id, sp.service, r.id, max(d.reading_date) + 20,
               max(d.value_micro) / 1000000 + 40
        FROM metering_register r
        JOIN metering_installation i ON i.meter_id = r.meter_id AND i.superseded_at IS NULL AND upper_inf(i.valid)
        JOIN customers_agreement a ON a.service_point_id = i.service_point_id AND a.superseded_at IS NULL
             AND upper_inf(a.valid) AND a.valid @> %(supplied)s::date
        JOIN network_servicepoint sp ON sp.id = a.service_point_id
        JOIN metering_reading d ON d.register_id = r.id AND d.superseded_at IS NULL
        WHERE r.zone = 0
        GROUP BY a.account_id, a.service_point_id, sp.service, r.id, r.digits
        HAVING max(d.reading_date) <= %(last)s::date AND max(d.reading_date) > %(last)s::date - 20
           AND max(d.value_micro) / 1000000 + 200 < 10 ^ r.digits
           AND (array_agg(d.value_micro ORDER BY d.reading_date DESC))[1] = max(d.value_micro)
        ORDER BY a.account_id, r.id
    """
    return fetch_rows(LateReading, statement, {"last": last_read, "supplied": supplied_on})


def list_sharing_accounts() -> set[int]:
    """Accounts with a service point below a node whose remainder is shared."""
    statement = """
        WITH RECURSIVE below AS (
            SELECT node_id FROM balance_balancerule WHERE key <> 'none'
            UNION
            SELECT p.node_id FROM network_nodeplacement p JOIN below b ON p.parent_id = b.node_id
        )
        SELECT DISTINCT a.account_id FROM customers_agreement a
        JOIN network_servicepoint sp ON sp.id = a.service_point_id JOIN below b ON b.node_id = sp.node_id
    """
    return set(fetch_rows(int, statement, {}))


def by_kind(
    readings: Iterable[LateReading], *, sharing: Collection[int], count: int
) -> dict[str, list[LateReading]]:
    """So many readings of each kind of account: `plain`, `shared` below a node whose remainder is shared, `carried` for
    electricity, to be given a tariff that carries balances; no account twice."""
    kinds: dict[str, list[LateReading]] = {"plain": [], "shared": [], "carried": []}
    for reading in readings:
        if reading.account_id in sharing:
            kind = "shared"
        elif reading.service == _SERVICE and len(kinds["carried"]) < count:
            kind = "carried"
        else:
            kind = "plain"
        if len(kinds[kind]) < count:
            kinds[kind].append(reading)
    return kinds


def carry_balances(readings: Iterable[LateReading], *, month: date, now: datetime) -> None:
    """Give the service points of the readings a tariff that carries a balance, from `month` on, opened with nought."""
    tariff_id = publish_tariff(document=_CARRYING, now=now).tariff_id
    names = ("account_id", "provider_id", "manager_id", "category", "load_class", "contract_number")
    for reading in readings:
        point = {"service_point_id": reading.service_point_id}
        old = Agreement.objects.get(superseded_at=None, valid__contains=month, **point)
        values = {name: getattr(old, name) for name in names} | {"tariff_id": tariff_id}
        record_fact(
            model=Agreement,
            subject=point,
            values=values,
            valid_from=month,
            valid_to=None,
            actor=None,
            now=now,
        )
        record_opening_balance(
            account_id=reading.account_id,
            **point,
            balance="credit",
            month=month,
            value_micro=0,
            actor=None,
            now=now,
            proof="benchmark",
        )
