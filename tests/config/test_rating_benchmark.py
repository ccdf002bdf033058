"""`mains bench rating`: our figures are those of the exact interpreter, and PySAM is only for comparison."""

import json
import sys
from datetime import UTC, date, datetime
from importlib.util import find_spec

import numpy as np
import pytest
from typer.testing import CliRunner

from mains.base.progress import progress_report
from mains.config.benchmark.rating import (
    COMPONENTS,
    benchmark_tariff,
    find_differences,
    make_loads,
    rate_ours,
    time_rating,
)
from mains.config.cli.bench import app
from mains.engine.exact import rate_exact
from mains.engine.facts import Facts
from mains.engine.intervals import IntervalSeries, measure_exact

MONTHS = [date(2018 + month // 12, month % 12 + 1, 1) for month in range(13)]


def test_the_bills_are_those_of_the_exact_interpreter() -> None:
    loads = next(make_loads(accounts=2, seed=7))
    rated = rate_ours(loads)
    tariff = benchmark_tariff().tariffs[0]
    start = datetime(2018, 1, 1, tzinfo=UTC)
    series = IntervalSeries("usage", start, 60, tuple(int(hour) * 1000 for hour in loads[1]))
    for month in (0, 6, 11):
        first, end = MONTHS[month], MONTHS[month + 1]
        measured = measure_exact(tariff=tariff, series=[series], period_from=first, period_to=end)
        lines = rate_exact(tariff=tariff, facts=Facts(first, end, measured.use, measured.attributes)).lines
        amounts = {line.component: line.amount_minor for line in lines}
        assert [amounts[name] for name in COMPONENTS] == rated.cents[1, month].tolist()


def test_loads_are_the_same_for_the_same_seed_and_whole_watt_hours() -> None:
    first, again, other = (next(make_loads(accounts=3, seed=seed)) for seed in (1, 1, 2))
    assert first.dtype == np.int64
    assert first.shape == (3, 8760)
    assert (first == again).all()
    assert (first != other).any()
    assert first.sum(axis=1).min() > 100_000


def test_differences_tell_ties_from_faults() -> None:
    ours = np.array([[[100, 101, 250, 0]]])
    found = find_differences(ours, np.array([[[1.00, 1.004999999999, 2.60, 0.0]]]))
    assert [(item["component"], item["tie"]) for item in found] == [
        ("demand_tou", True),
        ("demand_flat", False),
    ]


def test_without_pysam_our_figure_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySAM", None)
    answer = CliRunner().invoke(app, ["rating", "--accounts", "2", "--json"])
    assert answer.exit_code == 0
    result = json.loads(answer.stdout)
    assert result["mains_ms_per_account"] > 0
    assert result["pysam_ms_per_account"] is None
    assert "requirements/bench.txt" in result["pysam_remedy"]
    told = CliRunner().invoke(app, ["rating", "--accounts", "2"])
    assert "PySAM is not installed" in told.stdout


@pytest.mark.skipif(find_spec("PySAM") is None, reason="PySAM is not installed")
def test_pysam_gives_the_same_cents() -> None:
    with progress_report(quiet=True) as progress:
        result = time_rating(accounts=20, seed=3, progress=progress)
    assert result["compared"] == 20 * 12 * len(COMPONENTS)
    assert result["different"] == result["different_by_a_tie"]
