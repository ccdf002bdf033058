"""Calls out go only to hosts that the installation names.

Looking up a name is refused for other hosts, and so is a connection to an address that no allowed name stands for,
whichever library asks: the first by a wrapper of the look-up, the second by an audit hook of the interpreter. The
database driver has sockets of its own and is not concerned. Connections to this machine are free.
"""

import socket
import sys
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from mains.kernel.errors import MainsError


class UnableToCallOut(MainsError):
    """The host is not among those that the installation allows; nothing was sent."""


class _Watch:
    """What this process may call; None lets it call everywhere."""

    def __init__(self) -> None:
        self.allowed: frozenset[str] | None = None
        self.resolved: set[str] = set()
        self.is_installed = False
        self.look_up = socket.getaddrinfo


_watch = _Watch()


def allow_hosts(hosts: Iterable[str]) -> None:
    """From now on this process calls only these hosts (`*.bank.example` for all below one) and this machine."""
    _watch.allowed = frozenset(host.strip().lower() for host in hosts if host.strip())
    _watch.resolved.clear()
    if not _watch.is_installed:
        _watch.is_installed = True
        socket.getaddrinfo = _look_up
        sys.addaudithook(_look_at_connection)


def allow_every_host() -> None:
    """Let the process call everywhere again."""
    _watch.allowed = None


def host_of(address: str) -> str:
    """The host of a URL; empty for none."""
    return urlsplit(address).hostname or ""


def _look_up(host: Any, *arguments: Any, **named: Any) -> Any:
    name = _text(host)
    is_checked = _watch.allowed is not None and name and not _is_here(name)
    if is_checked and not _is_allowed(name):
        _refuse(name)
    found = _watch.look_up(host, *arguments, **named)
    if is_checked:
        _watch.resolved.update(str(entry[4][0]) for entry in found)
    return found


def _look_at_connection(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or _watch.allowed is None:
        return
    address = arguments[1]
    if isinstance(address, tuple) and address:
        host = _text(address[0])
        if not (_is_here(host) or host in _watch.resolved or _is_allowed(host)):
            _refuse(host)


def _is_allowed(host: str) -> bool:
    host, allowed = host.lower().rstrip("."), _watch.allowed or frozenset()
    parts = host.split(".")
    return host in allowed or any("*." + ".".join(parts[place:]) in allowed for place in range(1, len(parts)))


def _is_here(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")


def _refuse(host: str) -> None:
    raise UnableToCallOut(
        code="host-not-allowed",
        message=f"Calls to {host} are not allowed.",
        place="outbound call",
        remedy="Add the host to MAINS_OUTBOUND_HOSTS.",
    )
