"""New readings at the door: accepted, queued or refused, and always with the reason."""

from datetime import date

import polars as pl
import pytest

from mains.engine.usage import JudgingRules, judge_readings
from mains.engine.usage.reasons import REASONS

KWH = 10**6
TODAY = date(2026, 11, 22)
REGISTERS = pl.DataFrame(
    {
        "register_id": [1, 2],
        "service_point_id": [1, 2],
        "zone": ["total", "total"],
        "digits": [5, 5],
        "multiplier_micro": [KWH, 20 * KWH],
        "installed_from": [date(2025, 1, 1), date(2025, 1, 1)],
        "installed_to": [None, date(2026, 6, 1)],
    }
)
KNOWN = pl.DataFrame(
    {
        "reading_id": [11, 12, 21],
        "register_id": [1, 1, 2],
        "reading_date": [date(2026, 9, 1), date(2026, 10, 1), date(2026, 5, 1)],
        "value_micro": [1_000 * KWH, 1_100 * KWH, 99_000 * KWH],
        "priority": [20, 20, 20],
    }
)
USUAL = pl.DataFrame({"register_id": [1], "use_micro": [300 * KWH], "days": [100]})  # 3 kWh a day


def judge(
    *entries: tuple[int | None, date, int, int], rollover: bool = False, usual: pl.DataFrame | None = USUAL
):
    """Entries are register, day, value in micro-units and priority."""
    new = pl.DataFrame(
        [(number, *entry, rollover) for number, entry in enumerate(entries, start=1)],
        schema={
            "entry_id": pl.Int64,
            "register_id": pl.Int64,
            "reading_date": pl.Date,
            "value_micro": pl.Int64,
            "priority": pl.Int64,
            "rollover": pl.Boolean,
        },
        orient="row",
    )
    return judge_readings(new=new, registers=REGISTERS, known=KNOWN, usual=usual, as_of_date=TODAY)


@pytest.mark.parametrize(
    ("entry", "decision", "code", "other"),
    [
        ((1, date(2026, 11, 1), 1_200 * KWH, 20), "accept", "accepted", None),
        ((1, date(2026, 9, 15), 1_050 * KWH, 20), "accept", "accepted", None),
        ((None, date(2026, 11, 1), 1_200 * KWH, 20), "refuse", "unknown-register", None),
        ((3, date(2026, 11, 1), 1_200 * KWH, 20), "refuse", "unknown-register", None),
        ((1, date(2026, 11, 23), 1_200 * KWH, 20), "refuse", "future-reading", None),
        ((1, TODAY, 1_200 * KWH, 20), "accept", "accepted", None),
        ((1, date(2026, 11, 1), 100_000 * KWH, 20), "refuse", "beyond-digits", None),
        ((1, date(2026, 11, 1), -1, 20), "refuse", "beyond-digits", None),
        ((1, date(2024, 12, 30), 0, 20), "refuse", "before-installation", None),
        ((1, date(2024, 12, 31), 0, 20), "accept", "accepted", None),
        ((2, date(2026, 5, 31), 99_001 * KWH, 20), "accept", "accepted", None),
        ((2, date(2026, 6, 1), 99_001 * KWH, 20), "refuse", "removed-meter", None),
        ((1, date(2026, 10, 1), 1_100 * KWH, 50), "refuse", "duplicate", 12),
        ((1, date(2026, 10, 1), 1_101 * KWH, 20), "queue", "differs-same-day", 12),
        ((1, date(2026, 10, 1), 1_101 * KWH, 10), "accept", "accepted", None),
        ((2, date(2026, 5, 31), 10 * KWH, 20), "queue", "rollover-possible", 21),
        ((1, date(2026, 11, 1), 1_099 * KWH, 20), "queue", "lower-than-last", 12),
        ((1, date(2026, 9, 15), 1_100 * KWH + 1, 20), "queue", "higher-than-next", 12),
        ((1, date(2026, 10, 11), 1_250 * KWH + 1, 20), "queue", "far-above-usual", 12),
        ((1, date(2026, 10, 11), 1_250 * KWH, 20), "accept", "accepted", None),
    ],
)
def test_one_reading(entry, decision: str, code: str, other: int | None) -> None:
    found = judge(entry).row(0, named=True)
    assert (found["decision"], found["code"], found["other_reading_id"]) == (decision, code, other)
    assert "{" not in found["message"]
    assert found["message"]
    assert bool(found["remedy"]) == (decision != "accept")


def test_the_words_name_the_figures() -> None:
    found = judge((1, date(2026, 11, 1), 1_099_500_000, 20)).row(0, named=True)
    assert found["message"] == "1099.5 is lower than 1100 of 2026-10-01."
    found = judge((1, date(2026, 10, 11), 1_400 * KWH, 20)).row(0, named=True)
    assert found["message"] == "300 since 2026-10-01 is more than 5 times the usual use."


def test_a_confirmed_rollover_is_accepted() -> None:
    assert judge((2, date(2026, 5, 31), 10 * KWH, 20), rollover=True)["code"].to_list() == ["accepted"]


def test_new_readings_see_each_other_in_order_of_days() -> None:
    found = judge(
        (1, date(2026, 11, 3), 1_120 * KWH, 20),
        (1, date(2026, 11, 1), 1_150 * KWH, 20),
        (1, date(2026, 11, 1), 1_150 * KWH, 20),
        (1, date(2026, 11, 2), 100_000 * KWH, 20),
    )
    assert found["entry_id"].to_list() == [1, 2, 3, 4]
    assert found["code"].to_list() == ["lower-than-last", "accepted", "duplicate", "beyond-digits"]


def test_small_use_is_never_suspicious_and_no_history_is_no_suspicion() -> None:
    little = USUAL.with_columns(use_micro=pl.lit(1, dtype=pl.Int64))
    entry = (1, date(2026, 10, 2), 1_110 * KWH, 20)
    assert judge(entry, usual=little)["code"].to_list() == ["accepted"]
    assert judge((1, date(2026, 10, 2), 9_000 * KWH, 20), usual=None)["code"].to_list() == ["accepted"]
    assert JudgingRules().small_use_micro == 10 * KWH


def test_nothing_to_judge_is_no_row() -> None:
    assert judge().is_empty()


def test_every_reason_that_is_no_acceptance_says_what_to_do() -> None:
    assert all(remedy for decision, _, remedy in REASONS.values() if decision != "accept")
