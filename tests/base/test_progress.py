import io
from datetime import UTC, date, datetime

import pytest
from rich.console import Console

from mains.base.clock import local_date, read_clock
from mains.base.progress import progress_report


def test_plain_lines_off_a_terminal() -> None:
    text = io.StringIO()
    with progress_report(Console(file=text, width=40)) as report:
        with report.step("Load readings", total=3) as step:
            step.advance()
            step.advance(2)
        with report.step("Close"):
            pass
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("Load readings: ")
    assert lines[0].endswith(" s, 3")
    assert len(lines) == 2
    assert [(step.title, step.done) for step in report.finished] == [("Load readings", 3), ("Close", 0)]


def test_bars_on_a_terminal() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    with progress_report(console) as report, report.step("Bill", total=2) as step:
        step.advance(2)
    assert "2/2" in text.getvalue()


def test_a_failed_step_is_not_finished() -> None:
    with progress_report(quiet=True) as report, pytest.raises(RuntimeError), report.step("Bill"):
        raise RuntimeError
    assert report.finished == []


def test_the_wall_date_of_a_place() -> None:
    late = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert local_date(late, time_zone="Africa/Lagos") == date(2026, 11, 22)
    assert local_date(late, time_zone="Europe/Simferopol") == date(2026, 11, 23)
    assert read_clock().tzinfo is UTC
    with pytest.raises(ValueError, match="no time zone"):
        local_date(late.replace(tzinfo=None), time_zone="Africa/Lagos")
