"""Small work kept on one processor.

The column engine hands every operation to threads of its own. For a few rows the hand-over is most of the work: where
another processor must be woken for it, one account's recalculation takes half as long again (`docs/performance.md`).
"""

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


class _Placement:
    """Where this process's threads may run, for as long as somebody asks for one processor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._askers = 0
        self._usual: set[int] = set()

    def gather(self) -> None:
        with self._lock:
            self._askers += 1
            if self._askers == 1:
                self._usual = os.sched_getaffinity(0)
                if len(self._usual) > 1:
                    _place_threads({_processor_of_caller(self._usual)})

    def let_go(self) -> None:
        with self._lock:
            self._askers -= 1
            if self._askers == 0 and len(self._usual) > 1:
                _place_threads(self._usual)


_placement = _Placement()


@contextmanager
def on_one_processor() -> Iterator[None]:
    """Keep all threads of this process on the processor of the caller until the last who asked for it is done.

    For work on few rows that a person waits for; whole slices use every processor. Does nothing where the system
    cannot.
    """
    if sys.platform != "linux":
        yield
        return
    _placement.gather()
    try:
        yield
    finally:
        _placement.let_go()


def _place_threads(processors: set[int]) -> None:
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), processors)


def _processor_of_caller(usual: set[int]) -> int:
    """Where the caller runs now; no other is known to be free."""
    ask = getattr(ctypes.CDLL(None), "sched_getcpu", None)  # not every library of C has it
    here = -1 if ask is None else int(ask())
    return here if here in usual else min(usual)
