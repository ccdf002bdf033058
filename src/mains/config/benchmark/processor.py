"""Processor seconds of this command with its workers, and of the database server on the same machine.

They tell what work costs on a machine that others keep busy, where seconds of the clock tell little.
"""

import os
import resource
from pathlib import Path

import psycopg

from mains.base.db import connection_url

_TICKS = os.sysconf("SC_CLK_TCK")


def command_seconds() -> float:
    """Used so far by this process and by its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def server_seconds() -> float | None:
    """Used so far by all processes of the server, those that have ended included; None where it runs elsewhere."""
    with psycopg.connect(connection_url()) as server:
        row = server.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        try:
            return family_seconds(_parent(row[0]))
        except OSError:
            return None


def family_seconds(main: int) -> float:
    """Used so far by a process and its children, those that have ended included."""
    running = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return sum(_ticks(pid, main) for pid in running) / _TICKS


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _ticks(pid: int, main: int) -> int:
    """Of the server's main process with its ended children, or of one that lives; nothing of others."""
    try:
        fields = _fields(pid)
    except OSError:
        return 0  # ended while we looked
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    if pid == main:
        return own + ended
    return own if int(fields[1]) == main else 0


def _fields(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the state on: the name before it may hold anything."""
    return (
        Path("/proc", str(pid), "stat")
        .read_text(encoding="utf-8", errors="replace")
        .rpartition(")")[2]
        .split()
    )
