"""Progress of commands: live bars on a terminal, one plain line per finished step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """How long a finished step took, and how many of its units it did."""

    title: str
    seconds: float
    done: int


@dataclass(kw_only=True)
class Step:
    """A running step; `advance` counts finished units."""

    title: str
    done: int = 0
    _bar: Progress | None = None
    _task: TaskID | None = None

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)


@dataclass(kw_only=True)
class ProgressReport:
    """The steps of one command, in order. `finished` holds their times for a summary."""

    console: Console
    finished: list[StepTime] = field(default_factory=list)
    _bar: Progress | None = None

    @contextmanager
    def step(self, title: str, *, total: int | None = None) -> Iterator[Step]:
        """Show a step while its body runs; `total` units make a bar, None a running clock."""
        task = self._bar.add_task(title, total=total) if self._bar is not None else None
        running = Step(title=title, _bar=self._bar, _task=task)
        started = time.perf_counter()
        yield running
        seconds = time.perf_counter() - started
        self.finished.append(StepTime(title=title, seconds=seconds, done=running.done))
        if self._bar is not None and task is not None:
            complete = total or running.done or 1
            self._bar.update(task, total=complete, completed=complete)
            self._bar.stop_task(task)
        else:
            count = f", {running.done:,}" if running.done else ""
            self.console.print(f"{title}: {seconds:.1f} s{count}", highlight=False, soft_wrap=True)


@contextmanager
def progress_report(console: Console | None = None, *, quiet: bool = False) -> Iterator[ProgressReport]:
    """Show the steps of a command.

    Off a terminal each step prints one line when it ends; `quiet` prints nothing.
    """
    console = console or Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        yield ProgressReport(console=console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as bar:
        yield ProgressReport(console=console, _bar=bar)
