"""Who calls: the token in the header, the address behind trusted proxies, and errors as machines read them."""

import base64
import binascii
import ipaddress
import json
import os

from django.http import HttpRequest, HttpResponse

from mains.base.clock import read_clock
from mains.kernel.errors import MainsError
from mains.payments.actions.agents import UnableToServeAgent
from mains.payments.actions.machine_receipts import UnableToReceive
from mains.payments.actions.tokens import Caller, UnableToAuthenticate, authenticate
from mains.payments.values.online import TokenScope

_STATUSES = {
    "account-unknown": 404,
    "payment-unknown": 404,
    "amount-differs": 409,
    "account-differs": 409,
    "cancel-late": 409,
    "credit-limit": 402,
}


def caller_of(request: HttpRequest, *, scope: TokenScope) -> Caller:
    """The agent whose token the request shows: `Authorization: Bearer …`, or Basic with the token as password.

    Raises UnableToAuthenticate.
    """
    return authenticate(
        token=_token(request.headers.get("Authorization", "")),
        scope=scope,
        address=address_of(request),
        now=read_clock(),
    )


def address_of(request: HttpRequest) -> str:
    """Where the call comes from. What a proxy says counts only when MAINS_TRUSTED_PROXIES (networks) names it; then
    it is the last address that is no such proxy."""
    trusted = [
        ipaddress.ip_network(network.strip())
        for network in os.environ.get("MAINS_TRUSTED_PROXIES", "").split(",")
        if network.strip()
    ]
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while hops and _is_within(address, trusted):
        address = hops.pop()
    return address


def status_of(error: MainsError) -> int:
    """The status of HTTP that an error has."""
    if isinstance(error, UnableToAuthenticate):
        return error.status
    known = isinstance(error, UnableToServeAgent | UnableToReceive)
    return _STATUSES.get(error.code, 422 if known else 400)


def problem(error: MainsError) -> HttpResponse:
    """The error as RFC 9457 problem details, in English."""
    status = status_of(error)
    return problem_of(
        status=status, code=error.code, message=error.message, place=error.place, remedy=error.remedy
    )


def problem_of(*, status: int, code: str, message: str, place: str = "", remedy: str = "") -> HttpResponse:
    """Problem details of these words; `type` is stable, `title` and `detail` are for people."""
    body = {
        "type": f"urn:mains:problem:{code}",
        "title": message,
        "status": status,
        "detail": remedy,
        "instance": place,
        "code": code,
    }
    answer = HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
    if status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="mains"'
    if status == 429:
        answer["Retry-After"] = "60"
    return answer


def _token(header: str) -> str:
    kind, _space, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return ""
    return ""


def _is_within(address: str, networks: "list[ipaddress.IPv4Network | ipaddress.IPv6Network]") -> bool:
    try:
        return any(ipaddress.ip_address(address) in network for network in networks)
    except ValueError:
        return False
