"""A server that goes away is an expected error for each driver; a wrong statement is not."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import adbc_driver_manager
import psycopg
import pytest

from mains.base import embedded
from mains.base.address import DatabaseAddress, socket_folder
from mains.base.db import adbc_connect, execute
from mains.config.cli import is_lost_database


@pytest.fixture
def server() -> Iterator[DatabaseAddress]:
    home = Path(tempfile.mkdtemp(prefix="mains-server-", dir="/tmp"))
    home.chmod(0o711)
    yield embedded.ensure_running(home)
    embedded.stop(home)
    shutil.rmtree(socket_folder(home), ignore_errors=True)
    shutil.rmtree(home)


def kill(address: DatabaseAddress) -> None:
    with psycopg.connect(address.url()) as connection:
        (folder,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        parent = int(
            Path("/proc", str(folder), "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1]
        )
    os.kill(parent, signal.SIGKILL)


def test_a_killed_server(server: DatabaseAddress) -> None:
    with pytest.raises(adbc_driver_manager.Error) as lost, adbc_connect(server.url()) as bulk:
        execute("SELECT 1", connection=bulk)
        with psycopg.connect(server.url(), autocommit=True) as plain:
            plain.execute("SELECT 1")
            kill(server)
            with pytest.raises(psycopg.OperationalError) as seen:
                while True:
                    plain.execute("SELECT 1")
        while True:
            execute("SELECT 1", connection=bulk)
    assert is_lost_database(seen.value)
    assert is_lost_database(lost.value), lost.value
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(server.url())
    assert is_lost_database(refused.value)
    with pytest.raises(adbc_driver_manager.Error) as unreachable, adbc_connect(server.url()):
        pass
    assert is_lost_database(unreachable.value), unreachable.value


def test_wrong_statements_are_faults(server: DatabaseAddress) -> None:
    with pytest.raises(adbc_driver_manager.Error) as bulk_fault, adbc_connect(server.url()) as bulk:
        execute("SELECT nothing", connection=bulk)
    assert not is_lost_database(bulk_fault.value)
    with pytest.raises(psycopg.Error) as fault, psycopg.connect(server.url()) as plain:
        plain.execute("SELECT nothing")
    assert not is_lost_database(fault.value)
    assert not is_lost_database(ValueError("connection to server"))
