"""Times of a clock that is put forward and back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mains.kernel.clock_times import WrittenTime, read_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2024-03-30T14:00", [13]),
        ("2024-03-31 14:00:00", [12]),
        ("2024-03-31T14:00Z", [14]),
        ("2024-03-31T14:00+0530", [8]),
        ("2024-10-27T02:30", [0, 1]),  # comes twice
        ("2024-03-31T02:30", []),  # is left out
    ],
)
def test_a_written_time_is_the_instants_at_which_the_clock_shows_it(text: str, hours: list[int]) -> None:
    written = read_time(text, BERLIN)
    assert [at.hour for at in written.instants] == hours
    assert all(at.tzinfo is UTC for at in written.instants)
    assert (written.instant is None) == (len(hours) != 1)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2024-02-30T10:00", "2024-03-31T25:00", "2024-03-31T10:00+99:00"]
)
def test_what_is_no_time_has_no_instant(text: str) -> None:
    assert read_time(text, BERLIN) == WrittenTime(None, ())


def test_the_local_time_is_told_where_the_clock_leaves_it_out() -> None:
    assert read_time("2024-03-31T02:30", BERLIN).local == datetime.fromisoformat("2024-03-31T02:30")
