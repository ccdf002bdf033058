"""Interval data of a demo's large customers: half-hours of a working week, of which some come late and a few never."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mains.base.db import adbc_connect, read_frame
from mains.customers.actions.registry import change_tariff
from mains.metering.actions.interval_files import import_intervals
from mains.packs.definition import Pack, add_months
from mains.tariffs.queries.names import find_tariff_id

_STEP_MINUTES = 30
# Parts of a working day by hour.
_HOURS = (2, 2, 2, 2, 2, 3, 5, 8, 12, 14, 15, 15, 14, 15, 15, 14, 12, 9, 6, 5, 4, 3, 2, 2)
_REST_DAY_PERCENT = 45
_REACTIVE_PERCENT = 48
_LATE_FROM_DAY = 24
Row = dict[str, Any]


def record_intervals(*, pack: Pack, month: date) -> None:
    """Store the month's half-hours of the pack's interval accounts, as known the day before the month is billed.

    The first month puts the accounts on the tariff by hours. The last days of the first account's meter come a month
    late, and some half-hours of the second's never. What an earlier start recorded is left alone.
    """
    now = datetime.combine(pack.billing.cut_off(month) - timedelta(days=1), time(12), tzinfo=UTC)
    if month == pack.billing.months[0]:
        _put_on_tariff(pack, month)
    rows = _accounts(pack, month)
    before = add_months(month, -1)
    lines = ["meter,quantity,start,length,value,unit"]
    for number, row in enumerate(rows):
        for day in _days(month):
            if number == 0 and day.day >= _LATE_FROM_DAY and month != pack.billing.months[-1]:
                continue
            lines += _day_lines(pack, row, day, has_hole=number == 1 and day.day == _LATE_FROM_DAY)
        if number == 0 and before in pack.billing.months:
            for day in _days(before)[_LATE_FROM_DAY - 1 :]:
                lines += _day_lines(pack, row, day, has_hole=False)
    if rows:
        done = import_intervals(
            content="\n".join(lines).encode(),
            file_name=f"half-hours-{month:%Y-%m}.csv",
            clock=pack.time_zone,
            actor=None,
            now=now,
        )
        assert done.is_stored, done.faults


def _put_on_tariff(pack: Pack, month: date) -> None:
    """The first accounts of large customers that fit change to the tariff by hours."""
    tariff_id = find_tariff_id(code=pack.interval_tariff)
    assert tariff_id is not None, "A pack has the tariffs that it names."
    now = datetime.combine(month, time(6), tzinfo=UTC)
    with adbc_connect() as connection:
        chosen = read_frame(
            """
            SELECT a.service_point_id FROM customers_agreement a
            WHERE a.superseded_at IS NULL AND a.valid @> daterange(%(month)s, NULL) AND a.load_class IN ('md1', 'md2')
              AND lower(a.valid) < %(month)s
              AND (SELECT count(*) FROM metering_installation i
                   WHERE i.service_point_id = a.service_point_id AND i.superseded_at IS NULL
                     AND i.valid @> daterange(%(month)s, NULL)) = 1
              AND NOT EXISTS (SELECT FROM customers_agreement b WHERE b.tariff_id = %(tariff)s)
            ORDER BY a.load_class DESC, a.service_point_id LIMIT %(count)s
            """,
            {"month": month, "tariff": tariff_id, "count": pack.interval_accounts},
            connection=connection,
        )["service_point_id"].to_list()
    for point in chosen:
        change_tariff(service_point_id=point, tariff_id=tariff_id, valid_from=month, actor=None, now=now)


def _accounts(pack: Pack, month: date) -> list[Row]:
    """Meters on the tariff by hours of which nothing is stored in the month, with what they count on a day."""
    with adbc_connect() as connection:
        return read_frame(
            """
            SELECT a.service_point_id AS point, m.serial,
                   ((max(q.value_micro) - min(q.value_micro)) * (max(r.multiplier_micro) / 1000000)
                    / greatest(1, max(q.reading_date) - min(q.reading_date)))::bigint AS day_micro
            FROM customers_agreement a
            JOIN tariffs_tariff t ON t.id = a.tariff_id AND t.code = %(tariff)s
            JOIN metering_installation i ON i.service_point_id = a.service_point_id AND i.superseded_at IS NULL
                 AND i.valid @> %(month)s::date
            JOIN metering_meter m ON m.id = i.meter_id
            JOIN metering_register r ON r.meter_id = m.id AND r.zone = 0
            JOIN metering_reading q ON q.register_id = r.id AND q.superseded_at IS NULL AND q.reading_date < %(first)s
            WHERE a.superseded_at IS NULL AND a.valid @> %(month)s::date
              AND NOT EXISTS (SELECT FROM metering_intervalday v WHERE v.service_point_id = a.service_point_id
                              AND v.month = %(month)s)
            GROUP BY 1, 2 ORDER BY 1
            """,
            {"tariff": pack.interval_tariff, "month": month, "first": pack.billing.months[0]},
            connection=connection,
        ).to_dicts()


def _day_lines(pack: Pack, row: Row, day: date, *, has_hole: bool) -> list[str]:
    """Lines of a day: one with all its half-hours, or, where some are missing, one for each."""
    active = _half_hours(pack, row, day)
    reactive = [value * _REACTIVE_PERCENT // 100 for value in active]
    start = datetime.combine(day, time(), tzinfo=ZoneInfo(pack.time_zone))
    head = f"{start.isoformat(timespec='minutes')},{_STEP_MINUTES} min"
    if not has_hole:
        return [
            f"{row['serial']},{quantity},{head},{' '.join(map(_text, values))},{unit}"
            for quantity, values, unit in (("usage", active, "kWh"), ("reactive", reactive, "kvarh"))
        ]
    lines = []
    for place, (one, other) in enumerate(zip(active, reactive, strict=True)):
        begin = (start + timedelta(minutes=_STEP_MINUTES) * place).isoformat(timespec="minutes")
        if not 20 <= place < 24:
            lines += [
                f"{row['serial']},usage,{begin},{_STEP_MINUTES} min,{_text(one)},kWh",
                f"{row['serial']},reactive,{begin},{_STEP_MINUTES} min,{_text(other)},kvarh",
            ]
    return lines


def _half_hours(pack: Pack, row: Row, day: date) -> list[int]:
    """Thousandths of a kWh of each half-hour: the course of a day's work, a little uneven."""
    is_rest = day.weekday() >= 5 or day in pack.holidays
    usual = max(row["day_micro"], 40_000_000) // 1000 * (_REST_DAY_PERCENT if is_rest else 120) // 100
    parts = sum(_HOURS) * 2
    found = []
    for place in range(24 * 60 // _STEP_MINUTES):
        uneven = 880 + (row["point"] * 7919 + day.toordinal() * 104_729 + place * 1_299_709) % 9973 % 240
        found.append(usual * _HOURS[place // 2] * uneven // (parts * 1000))
    return found


def _text(thousandths: int) -> str:
    return f"{Decimal(thousandths).scaleb(-3):f}"


def _days(month: date) -> list[date]:
    count = (add_months(month, 1) - month).days
    return [month + timedelta(days=number) for number in range(count)]
