"""Calls out reach only hosts that the installation names, whichever library makes them."""

import socket
from collections.abc import Iterator

import pytest
import urllib3

from mains.base.outbound import UnableToCallOut, allow_every_host, allow_hosts, host_of


@pytest.fixture(autouse=True)
def _free_again() -> Iterator[None]:
    yield
    allow_every_host()


def test_names_and_addresses_off_the_list_are_refused_before_anything_is_sent() -> None:
    allow_hosts(["api.bank.example", "*.pay.example"])
    with pytest.raises(UnableToCallOut, match=r"evil\.example"):
        socket.getaddrinfo("evil.example", 443)
    with pytest.raises(UnableToCallOut, match=r"203\.0\.113\.9"):
        socket.create_connection(("203.0.113.9", 443), timeout=1)
    with pytest.raises(UnableToCallOut):
        urllib3.PoolManager(retries=False).request("GET", "http://bank.example/", timeout=1)
    with pytest.raises(UnableToCallOut, match=r"pay\.example\.evil"):
        socket.getaddrinfo("pay.example.evil", 443)


def test_hosts_on_the_list_and_this_machine_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, *arguments: object, **named: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))]

    monkeypatch.setattr("mains.base.outbound._watch.look_up", look_up)
    allow_hosts(["api.bank.example", "*.pay.example"])
    for host in ("api.bank.example", "API.bank.example.", "eu.pay.example", "localhost", "127.0.0.1", "::1"):
        assert socket.getaddrinfo(host, 443)
    assert len(asked) == 6
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.socket() as caller:
            caller.connect(server.getsockname())


def test_the_host_of_an_address() -> None:
    assert host_of("https://id.example:8443/realm") == "id.example"
    assert host_of("nonsense") == ""
