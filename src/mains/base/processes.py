"""Bulk work over the cores of one machine: results as they come, no process left behind."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import TypeVar

from django.db import connections

Item = TypeVar("Item")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1


def core_count() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], *, processes: int | None = None, waiting: int = 2
) -> Iterator[tuple[Item, Result]]:
    """Call `work` for each item in worker processes; yield (item, result) in the order of completion.

    `work`, items and results are picklable. Workers are fresh interpreters with Django set up on this
    process's database; at most `waiting` items per worker are queued ahead, so `items` may be a long
    generator. The first error stops the rest and is raised. Workers die with this process, however it dies.
    One process means: in this one.
    """
    count = processes or core_count()
    if count == 1:
        for item in items:
            yield item, work(item)
        return
    name = connections["default"].settings_dict["NAME"]
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        count, mp_context=context, initializer=_set_up_worker, initargs=(name, os.getpid())
    )
    queue = iter(items)
    running: dict[Future[Result], Item] = {}
    try:
        while True:
            for item in queue:
                running[pool.submit(work, item)] = item
                if len(running) >= count * waiting:
                    break
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield running.pop(future), future.result()
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _set_up_worker(database: str, parent: int) -> None:
    _die_with_parent(parent)
    # An interrupt from the keyboard reaches the whole group: the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    import django

    django.setup()
    connections["default"].settings_dict["NAME"] = database


def _die_with_parent(parent: int) -> None:
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
