"""Bulk connections kept open between pieces of work that a person waits for.

A server process that is new has to learn of every table and partition it meets: a recalculation over three years takes
it half as long again. One that is kept plans each query once: it
prepares what it reads.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Connection

from mains.base.db import adbc_connect, connection_url, execute
from mains.base.prepared import prepare_on

_KEPT_MAX = 2
_IDLE_SECONDS_MAX = 300.0


@dataclass
class _Kept:
    """A connection that nobody uses, what closes it, and since when it is idle."""

    connection: Connection
    closing: ExitStack
    since: float = field(default_factory=time.monotonic)

    def close(self) -> None:
        with suppress(DriverError):
            self.closing.close()

    def is_alive(self) -> bool:
        if time.monotonic() - self.since > _IDLE_SECONDS_MAX:
            return False
        try:
            execute("SELECT 1", connection=self.connection)
            self.connection.rollback()
        except DriverError:
            return False
        return True


class _Pool:
    """Idle connections of this process by the database's address; each is in one hand at a time."""

    def __init__(self) -> None:
        self.forget()

    def close(self) -> None:
        with self._lock:
            idle = [kept for several in self._idle.values() for kept in several]
            self._idle.clear()
        for kept in idle:
            kept.close()

    def forget(self) -> None:
        """Begin anew without closing anything."""
        self._idle: dict[str, list[_Kept]] = {}
        self._lock = threading.Lock()

    def take(self, url: str) -> _Kept:
        while True:
            with self._lock:
                found = self._idle.get(url, []).pop() if self._idle.get(url) else None
            if found is None:
                closing = ExitStack()
                opened = closing.enter_context(adbc_connect(url))
                prepare_on(opened)
                return _Kept(opened, closing)
            if found.is_alive():
                return found
            found.close()

    def give_back(self, url: str, kept: _Kept) -> None:
        with self._lock:
            idle = self._idle.setdefault(url, [])
            is_wanted = len(idle) < _KEPT_MAX
            if is_wanted:
                idle.append(_Kept(kept.connection, kept.closing))
        if not is_wanted:
            kept.close()


_pool = _Pool()


@contextmanager
def kept_connect() -> Iterator[Connection]:
    """As `adbc_connect`, over a connection that may have served before and prepares what it reads; after an error it
    serves no more."""
    url = connection_url()
    kept = _pool.take(url)
    try:
        yield kept.connection
        kept.connection.rollback()
    except BaseException:
        kept.close()
        raise
    _pool.give_back(url, kept)


def close_kept_connections() -> None:
    """Close those that nobody uses: before their database is dropped."""
    _pool.close()


# A forked process must leave its parent's connections alone.
os.register_at_fork(after_in_child=_pool.forget)
