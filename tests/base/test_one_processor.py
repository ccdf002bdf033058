"""Small work stays on one processor, and the process has all of them again afterwards."""

import os
import sys
import threading
from pathlib import Path

import pytest

from mains.base.one_processor import on_one_processor

_usual = os.sched_getaffinity(0) if sys.platform == "linux" else set[int]()
pytestmark = pytest.mark.skipif(len(_usual) < 2, reason="There is but one processor, or nothing tells.")


def _places() -> dict[int, set[int]]:
    return {
        int(task.name): os.sched_getaffinity(int(task.name)) for task in Path("/proc/self/task").iterdir()
    }


def test_all_threads_share_the_processor_and_get_all_back() -> None:
    usual, stop = os.sched_getaffinity(0), threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with on_one_processor():
            inside = _places()
        after = _places()
    finally:
        stop.set()
        thread.join()
    assert thread.native_id in inside
    assert len(set.union(*inside.values())) == 1
    assert all(places == usual for places in after.values())


def test_the_last_of_several_lets_go() -> None:
    usual, entered, leave = os.sched_getaffinity(0), threading.Event(), threading.Event()

    def work() -> None:
        with on_one_processor():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=work)
    with on_one_processor():
        thread.start()
        entered.wait()
    assert len(os.sched_getaffinity(0)) == 1
    leave.set()
    thread.join()
    assert os.sched_getaffinity(0) == usual


def test_an_error_lets_go_too() -> None:
    usual = os.sched_getaffinity(0)
    with pytest.raises(ZeroDivisionError), on_one_processor():
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == usual
