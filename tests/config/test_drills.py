"""Every drill at small size finds nothing lost, and says so when something is."""

import pytest
from typer.testing import CliRunner

from mains.config.cli import drill as command
from mains.config.drill.counts import DrillCounts


def test_a_loss_ends_with_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    lost = DrillCounts(name="kill", seed=7, counts={"rounds": 2}, losses={"missing": 1, "doubled": 0})
    with pytest.raises(command.typer.Exit) as ended:
        command._end([lost])
    assert ended.value.exit_code == 1
    shown = capsys.readouterr().out
    assert "LOST" in shown
    assert "seed 7" in shown
    command._end([DrillCounts(name="kill", seed=7, counts={"rounds": 2}, losses={"missing": 0})])


@pytest.mark.slow
def test_all_drills_at_small_size_lose_nothing() -> None:
    """On a server of its own, which it kills: `mains drill all`."""
    done = CliRunner().invoke(command.app, ["all", "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert "LOST" not in done.output
    for name in (
        "kill",
        "simulate",
        "invariants",
        "seals",
        "same-key",
        "two-windows",
        "clock",
        "bill-run",
        "worker",
    ):
        assert name in done.output
