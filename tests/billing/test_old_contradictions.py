"""Readings that contradict one another are judged over all time, however short the stretch is that a run reads.

Point 13 has one register (130), read on the 14th of each month since September 2020. What is kept of its days must be
what everything ever read gives at once.
"""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from billing.test_runs import APRIL, MARCH, MAY, assert_sound, bill_month, rows
from mains.base.buckets import bucket_column
from mains.base.db import adbc_connect
from mains.billing.actions.recalculations import recalculate, recalculate_account
from mains.billing.queries.replay import list_batches, replay_batch
from mains.kernel.period import next_month
from mains.metering.actions.usage.averages import averages_of
from mains.metering.actions.usage.facts import compute_use, read_whole_facts
from mains.metering.models import Reading
from mains.metering.queries.frames import read_class_averages

POINT, REGISTER = 13, 130
BEHIND = 99_095
"""What the register showed in September 2020: stronger, it puts all readings since aside."""
AHEAD = 99_990
"""What the register shows in 2022: a reading of this value is above all that follow, which the others are not."""
LONG_KNOWN = datetime(2021, 2, 20, tzinfo=UTC)
LATER = datetime(2021, 6, 8, tzinfo=UTC)


def read(day: date, value: int, *, source: int, known: datetime) -> Reading:
    bucket = pl.DataFrame({"n": [POINT]}).select(bucket_column("n")).item()
    return Reading.objects.create(
        register_id=REGISTER, bucket=bucket, reading_date=day, value_micro=value * 1_000_000, source=source,
        recorded_at=known,
    )  # fmt: skip


def kept(month: date) -> tuple[list[int], str]:
    (row,) = rows(
        f"""
        SELECT days_micro, quality FROM metering_usagemonth
        WHERE month = '{month}' AND service_point_id = {POINT} AND zone = 0 ORDER BY revision DESC LIMIT 1
        """
    ).iter_rows()
    return row


def by_everything_read(month: date, *, as_of: datetime) -> tuple[list[int], str]:
    with adbc_connect() as connection:
        facts = read_whole_facts(
            connection=connection,
            service_point_ids=pl.Series([POINT]),
            from_date=month,
            to_date=next_month(month),
            as_of=as_of,
            known_since=as_of,
        )
        averages = read_class_averages(connection=connection, months=[month])
    found = compute_use(facts, month=month, as_of=as_of, class_averages=averages_of(averages, month))
    (row,) = found.usage.select("days_micro", "quality").iter_rows()
    return row


@pytest.mark.parametrize("day", [date(2020, 9, 20), date(2020, 10, 20)])
def test_an_old_contradiction_is_remembered(utility, day):
    """A control visit of last autumn showed more than every reading since: none of these counts, now or later. In
    September it lies beyond what the first run reads, in October beyond what that of May reads."""
    utility(40)
    read(day, AHEAD, source=10, known=LONG_KNOWN)
    for month in (MARCH, APRIL, MAY):
        run = bill_month(month)
        assert_sound(run)
        days, quality = kept(month)
        assert (days, quality) == by_everything_read(month, as_of=run.facts_as_of)
        assert set(quality) <= {"F", "C"}
    assert [found for batch in list_batches() for found in replay_batch(batch).differences] == []


def test_once_it_is_withdrawn_the_readings_count_again(utility):
    utility(40)
    for month in (MARCH, APRIL):
        bill_month(month)
    before = kept(MARCH), kept(APRIL)
    assert "F" not in before[0][1]
    autumn = date(2020, 10, 20)
    odd = read(autumn, AHEAD, source=10, known=datetime(2021, 5, 10, tzinfo=UTC))
    recalculate(now=datetime(2021, 5, 11, tzinfo=UTC), processes=1)
    assert set(kept(MARCH)[1]) == {"F"}
    bill_month(MAY)
    Reading.objects.filter(pk=odd.pk).update(superseded_at=LATER)
    recalculate(now=LATER + timedelta(hours=1), processes=1)
    for month in (MARCH, APRIL, MAY):
        assert kept(month) == by_everything_read(month, as_of=LATER + timedelta(hours=1))
    assert kept(MARCH) == before[0]


def test_what_one_account_saw_in_between_is_taken_back(utility):
    """Recorded, recalculated for the account alone, and withdrawn: to the next run for all it was never there."""
    utility(40)
    for month in (MARCH, APRIL, MAY):
        bill_month(month)
    recalculate(now=LATER, processes=1)
    before = kept(MARCH), kept(APRIL), kept(MAY)
    told = LATER + timedelta(hours=1)
    spring = date(2021, 4, 20)
    odd = read(spring, BEHIND, source=10, known=told)
    recalculate_account(account_id=POINT, now=told + timedelta(hours=1))
    assert (kept(MARCH), kept(APRIL), kept(MAY)) != before
    Reading.objects.filter(pk=odd.pk).update(superseded_at=told + timedelta(hours=2))
    recalculate(now=told + timedelta(hours=3), processes=1)
    for month in (MARCH, APRIL, MAY):
        assert kept(month) == by_everything_read(month, as_of=told + timedelta(hours=3))
    assert (kept(MARCH), kept(APRIL), kept(MAY)) == before
