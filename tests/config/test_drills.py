"""Every drill at small size finds nothing lost, and says so when something is."""

import os
import subprocess
import sys

import pytest

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
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-m", "mains", "drill", "all", "--seed", "3"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LOST" not in done.stdout
    for name in (
        "kill",
        "simulate",
        "invariants",
        "seals",
        "same-key",
        "two-windows",
        "provider",
        "clock",
        "bill-run",
        "worker",
    ):
        assert name in done.stdout
