"""`mains worker`: does the jobs that pages ask for; `mains serve` keeps one running."""

from typing import Annotated

import typer

from mains.base.processes import die_with_parent
from mains.config.start import start_django


def worker(
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when no job waits any more.")
    ] = False,
    stalled_after: Annotated[
        float,
        typer.Option(min=0.5, help="Seconds without a sign of life after which a worker counts as dead."),
    ] = 30.0,
    parent: Annotated[int, typer.Option(hidden=True, help="End together with this process.")] = 0,
) -> None:
    """Do jobs, one at a time, until interrupted. Several workers may run, here or on other machines."""
    if parent:
        die_with_parent(parent)
    start_django()
    from mains.base.jobs import run_worker
    from mains.config.calls_out import watch_calls_out

    watch_calls_out()

    run_worker(until_empty=until_empty, stalled_after_seconds=stalled_after)
