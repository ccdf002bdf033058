"""The last thirteen months of use, for the chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from mains.base.rows import fetch_rows
from mains.engine.facts import MICRO
from mains.metering.values import Zone

MONTHS = 13


@dataclass(frozen=True)
class Bar:
    """The use of a month in micro-units, how much of it is forecast or norm, and over how many days."""

    month: date
    use_micro: int
    estimated_micro: int
    days: int

    @property
    def use_per_day(self) -> Fraction:
        return Fraction(self.use_micro, MICRO * self.days)


_USE = """
WITH latest AS (
    SELECT DISTINCT ON (month, service_point_id, zone) month, service_point_id, days_micro, quality
    FROM metering_usagemonth
    WHERE service_point_id = ANY(%(points)s) AND month BETWEEN %(first)s AND %(month)s
      AND recorded_at <= %(as_of)s AND zone <> %(export)s
    ORDER BY month, service_point_id, zone, revision DESC
)
SELECT l.month, sum(d.use)::bigint,
       coalesce(sum(d.use) FILTER (WHERE upper(substr(l.quality, d.day::int, 1)) IN ('E', 'F', 'C', 'N')), 0)::bigint,
       count(DISTINCT d.day)::int
FROM latest l
CROSS JOIN LATERAL unnest(l.days_micro) WITH ORDINALITY AS d (use, day)
JOIN customers_agreement g ON g.service_point_id = l.service_point_id AND g.account_id = %(account)s
    AND g.valid @> l.month + (d.day - 1)::int
    AND g.recorded_at <= %(as_of)s AND (g.superseded_at IS NULL OR g.superseded_at > %(as_of)s)
GROUP BY l.month ORDER BY l.month
"""
# Without a meter the use is what the tariff's norm makes it: the quantities billed, corrections included.
_BILLED = """
SELECT l.service_month, sum(l.quantity_micro)::bigint, sum(l.quantity_micro)::bigint,
       extract(day FROM l.service_month + interval '1 month' - interval '1 day')::int
FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
WHERE b.account_id = %(account)s AND b.month BETWEEN %(first)s AND %(month)s
  AND l.kind = 'charge' AND l.service_month BETWEEN %(first)s AND %(month)s
GROUP BY l.service_month HAVING sum(l.quantity_micro) > 0 ORDER BY l.service_month
"""


def list_bars(
    *, account_id: int, service_point_ids: Sequence[int], month: date, as_of: datetime
) -> tuple[Bar, ...]:
    """Use of the points month by month up to `month`, as known at `as_of`; months without any are left out.

    Only days that the account pays for count: what others used there is not this customer's to see.
    """
    params = {
        "account": account_id,
        "points": list(service_point_ids),
        "first": _first_month(month),
        "month": month,
        "as_of": as_of,
        "export": int(Zone.EXPORT),
    }
    bars = tuple(fetch_rows(Bar, _USE, params))
    if any(bar.use_micro for bar in bars):
        return bars
    return tuple(fetch_rows(Bar, _BILLED, params)) or bars


def change_per_day(bars: Sequence[Bar]) -> tuple[Bar, Fraction] | None:
    """The bar before the last, and by what share of it the use a day changed; None where nothing compares."""
    if len(bars) < 2 or not bars[-2].use_micro:
        return None
    before, last = bars[-2], bars[-1]
    return before, last.use_per_day / before.use_per_day - 1


def _first_month(month: date) -> date:
    index = month.year * 12 + month.month - MONTHS
    return date(index // 12, index % 12 + 1, 1)
