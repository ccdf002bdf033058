"""`mains serve`: the office web with production settings."""

import os
import socket
import subprocess
import sys
import threading
import time

import typer

from mains.base import embedded
from mains.base.address import database_address
from mains.base.processes import core_count
from mains.config.start import start_django
from mains.kernel.errors import MainsError

EVERY_NETWORK = "0.0.0.0"  # noqa: S104 -- recognised here, never the default
_THREADS = 4
_PORTS_TRIED = 20
_LOOK_SECONDS = 3.0
_PAUSE_SECONDS = 1.0
_PAUSE_MAX_SECONDS = 60.0
_LONG_LIFE_SECONDS = 60.0
# Below the embedded server's 60 connections, with room for commands and bulk workers.
_SHARED_CONNECTIONS = 40


class UnableToServe(MainsError):
    """The address is taken or not of this machine."""


def serve(
    host: str = typer.Option("127.0.0.1", help="Address to listen on; 0.0.0.0 for every network."),
    port: int = typer.Option(8000, min=1, max=65535, help="Port to listen on."),
    workers: int = typer.Option(0, min=0, max=32, help="Server processes; 0 for one per core, four at most."),
) -> None:
    """Serve the office web until interrupted."""
    start_django()
    run_server(host=host, port=port, workers=workers)


def run_server(*, host: str, port: int, workers: int = 0) -> None:
    """Print the address and serve until interrupted. The database runs and its tables are current."""
    _check_free(host, port)
    count = workers or min(4, core_count())
    os.environ["MAINS_POOL_SIZE"] = str(max(2, min(_THREADS, _SHARED_CONNECTIONS // count)))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    from django.db import connections
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    shown = "localhost" if host in ("127.0.0.1", EVERY_NETWORK) else f"[{host}]" if ":" in host else host
    typer.echo(f"Mains serves http://{shown}:{port}/")
    typer.echo("Stop with Ctrl+C.")
    threading.Thread(target=keep_worker, daemon=True).start()
    if database_address().is_embedded:
        threading.Thread(target=_revive_database, daemon=True).start()
    # The servers are copies of this process and must not speak on its connection.
    connections.close_all()
    Granian(
        "mains.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=count,
        blocking_threads=_THREADS,
        backlog=1024,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
    ).serve()


def keep_worker() -> None:
    """Keep one worker for jobs running as long as this process lives; a worker that ends is started again."""
    command = [sys.executable, "-m", "mains", "worker", "--parent", str(os.getpid())]
    # A worker holds few connections of its own and needs no pool.
    environment = {name: value for name, value in os.environ.items() if name != "MAINS_POOL_SIZE"}
    pause = _PAUSE_SECONDS
    while True:
        began = time.monotonic()
        subprocess.run(command, env=environment, check=False)
        lived = time.monotonic() - began
        pause = _PAUSE_SECONDS if lived > _LONG_LIFE_SECONDS else min(pause * 2, _PAUSE_MAX_SECONDS)
        time.sleep(pause)


def find_free_port(*, host: str, first: int) -> int:
    """The first port from `first` on that nobody listens on; `first` itself when all near it are taken."""
    for port in range(first, first + _PORTS_TRIED):
        try:
            _check_free(host, port)
        except UnableToServe:
            continue
        return port
    return first


def _revive_database() -> None:
    """Start the embedded server again after a crash; one that somebody stopped stays stopped."""
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            if embedded.has_crashed():
                embedded.ensure_running(database=database_address().database)
                typer.echo("The database server had crashed and runs again.", err=True)
        except MainsError as error:
            typer.echo(str(error), err=True)


def _check_free(host: str, port: int) -> None:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise UnableToServe(
            code="address-taken",
            message=f"Mains cannot listen on {host} port {port}: {error.strerror or error}.",
            remedy="Choose another port with --port, or stop the program that uses this one.",
            params={"host": host, "port": port},
        ) from error
