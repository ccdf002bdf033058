"""The embedded PostgreSQL server: found in a wheel, run as an unprivileged user, one per MAINS_HOME."""

from mains.base.address import socket_folder
from mains.base.embedded.layout import client_program
from mains.base.embedded.supervisor import (
    UnableToRunServer,
    ensure_database,
    ensure_running,
    has_crashed,
    is_made,
    is_running,
    server_log,
    stop,
)

__all__ = [
    "UnableToRunServer",
    "client_program",
    "ensure_database",
    "ensure_running",
    "has_crashed",
    "is_made",
    "is_running",
    "server_log",
    "socket_folder",
    "stop",
]
