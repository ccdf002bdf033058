"""Calls to providers: only to hosts on the list, with limits of time and size, and never redirected."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3

from mains.integrations.payment_providers.refusals import not_sure
from mains.payments.values.online import ProviderRefusal

_HOSTS = frozenset(
    {
        "api.mch.weixin.qq.com",
        "api2.mch.weixin.qq.com",
        "openapi.alipay.com",
        "openapi-sandbox.dl.alipaydev.com",
    }
)
_TIMEOUT = urllib3.Timeout(connect=3.0, read=8.0)
_SIZE_MAX = 1_000_000
_pool = urllib3.PoolManager(num_pools=8, maxsize=4, retries=False, timeout=_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a provider answered; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One call. Raises ProviderRefusal for a host that is not on the list, UnableToReachProvider when there is no
    answer in time, or the provider says that it failed (500 and above)."""
    check_host(url)
    try:
        answer = _pool.request(
            method, url, headers=dict(headers), body=body, redirect=False, preload_content=False
        )
        content = answer.read(_SIZE_MAX + 1)
        answer.release_conn()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise not_sure(urlsplit(url).hostname or "", type(error).__name__) from error
    if answer.status >= 500 or len(content) > _SIZE_MAX:
        raise not_sure(urlsplit(url).hostname or "", f"status {answer.status}")
    return Answer(
        status=answer.status,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=content,
    )


def provider_hosts() -> list[str]:
    """The hosts that may be called, without ports."""
    named = os.environ.get("MAINS_PAYMENT_HOSTS", "").split(",")
    return [*_HOSTS, *(host.strip().partition(":")[0] for host in named if host.strip())]


def check_host(url: str) -> None:
    """Raise ProviderRefusal unless the host is a provider's or named in MAINS_PAYMENT_HOSTS; plain HTTP only to this
    machine itself, for the simulator."""
    parts = urlsplit(url)
    named = {host.strip() for host in os.environ.get("MAINS_PAYMENT_HOSTS", "").split(",") if host.strip()}
    place = parts.netloc.rpartition("@")[2]
    is_known = parts.hostname in _HOSTS or place in named
    if is_known and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
    ):
        return
    raise ProviderRefusal(
        code="host-refused",
        message=f"{place} is not on the list of hosts that may be called.",
        place=place,
        remedy="Name it in MAINS_PAYMENT_HOSTS if it is your provider's; addresses begin with https.",
        params={"host": place},
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
