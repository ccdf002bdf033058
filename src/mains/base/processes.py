"""Bulk work over the cores of one machine: results as they come, no process left behind."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from typing import TypeVar, cast

from django.db import connections

Item = TypeVar("Item")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1


def core_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """What this process keeps open between two pieces of work; nothing unless it is a worker."""

    def __init__(self) -> None:
        self.is_one = False
        self.opened: dict[Callable[[], AbstractContextManager[object]], object] = {}
        self.closing = ExitStack()


_worker = _Worker()


@contextmanager
def kept_open(opened: Callable[[], AbstractContextManager[Result]]) -> Iterator[Result]:
    """What `opened` gives, for one piece of work. A worker keeps it open for the next one, unless this one failed."""
    if not _worker.is_one:
        with opened() as thing:
            yield thing
        return
    if opened not in _worker.opened:
        _worker.opened[opened] = _worker.closing.enter_context(opened())
    try:
        yield cast("Result", _worker.opened[opened])
    except BaseException:
        _worker.opened.clear()
        _worker.closing.close()
        raise


def run_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], *, processes: int | None = None, waiting: int = 2
) -> Iterator[tuple[Item, Result]]:
    """Call `work` for each item in worker processes; yield (item, result) in the order of completion.

    `work`, items and results are picklable. Workers are fresh interpreters with Django set up on this
    process's database; at most `waiting` items per worker are queued ahead, so `items` may be a long
    generator. The first error stops the rest and is raised. Workers die with this process, however it dies.
    One process means: in this one.
    """
    with worker_pool(processes=processes) as pool:
        yield from pool.run(work, items, waiting=waiting)


class WorkerPool:
    """Worker processes for several rounds of work, so that they are started once."""

    def __init__(self, executor: ProcessPoolExecutor | None, count: int) -> None:
        self._executor = executor
        self._count = count

    def run(
        self, work: Callable[[Item], Result], items: Iterable[Item], *, waiting: int = 2
    ) -> Iterator[tuple[Item, Result]]:
        """As `run_in_processes`."""
        if self._executor is None:
            for item in items:
                yield item, work(item)
            return
        queue = iter(items)
        running: dict[Future[Result], Item] = {}
        try:
            while True:
                for item in queue:
                    running[self._executor.submit(work, item)] = item
                    if len(running) >= self._count * waiting:
                        break
                if not running:
                    return
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield running.pop(future), future.result()
        except BaseException:
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
            raise


@contextmanager
def worker_pool(
    *,
    processes: int | None = None,
    prepare: Sequence[str] = (),
    threads: int | None = None,
) -> Iterator[WorkerPool]:
    """A pool of `processes` workers, at work at once on importing the modules `prepare`, while the caller goes on.

    `threads` limits the threads with which one worker computes columns: workers that fill all cores gain nothing
    by more. One process means: in this one.
    """
    count = processes or core_count()
    if count == 1:
        yield WorkerPool(None, 1)
        return
    name = connections["default"].settings_dict["NAME"]
    executor = ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_set_up_worker,
        initargs=(name, os.getpid(), tuple(prepare), threads),
    )
    try:
        if prepare:
            for _ in range(count):
                executor.submit(os.getpid)
        yield WorkerPool(executor, count)
    except BaseException:
        for process in list((executor._processes or {}).values()):
            process.terminate()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _set_up_worker(database: str, parent: int, prepare: Sequence[str], threads: int | None) -> None:
    die_with_parent(parent)
    if threads is not None:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    # Polars reads this when it is imported. What one piece of work frees, the next one needs again: giving it back to
    # the system and asking for it anew took one processor second in forty.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:-1,muzzy_decay_ms:-1")
    # An interrupt from the keyboard reaches the whole group: the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    import django

    django.setup()
    connections["default"].settings_dict["NAME"] = database
    for module in prepare:
        import_module(module)
    _worker.is_one = True


def die_with_parent(parent: int) -> None:
    """End this process as soon as its parent, whose id is given, has ended in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    # The parent may have died before the request above was made.
    if os.getppid() != parent:
        os._exit(1)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(1)
    os._exit(1)
