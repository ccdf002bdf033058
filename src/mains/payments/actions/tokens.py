"""Tokens with which agents call us: issued once, kept as hashes, revoked for good."""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from mains.kernel.errors import MainsError
from mains.payments.models import ChannelToken, PaymentChannel
from mains.payments.values.online import ChannelKind, TokenScope

_PREFIX = "mains_"
_COUNT_CALL = """
    INSERT INTO payments_callrate AS r (token_id, minute, calls) VALUES (%(token_id)s, %(minute)s, 1)
    ON CONFLICT (token_id) DO UPDATE
    SET minute = excluded.minute, calls = CASE WHEN r.minute = excluded.minute THEN r.calls + 1 ELSE 1 END
    RETURNING calls
"""


class UnableToIssueToken(MainsError):
    """The channel is no agent, or the scopes are none."""


class UnableToAuthenticate(MainsError):
    """The call shows no token that may do this, from there, now. `status` is that of HTTP."""

    status = 401


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """The token itself, shown once and kept nowhere."""

    token_id: int
    token: str


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls: an agent with its limits in minor units."""

    channel_id: int
    code: str
    title: str
    currency: str
    least_minor: int
    most_minor: int | None
    credit_minor: int | None


def issue_token(
    *,
    channel_code: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    expires_at: datetime | None = None,
    actor_id: int | None = None,
) -> IssuedToken:
    """Make a token of 256 random bits for an agent. Raises UnableToIssueToken."""
    channel = PaymentChannel.objects.filter(code=channel_code, kind=ChannelKind.AGENT).first()
    chosen = [scope for scope in TokenScope.values if scope in scopes]
    if channel is None or not name.strip() or not chosen or len(chosen) < len(set(scopes)):
        raise UnableToIssueToken(
            code="token",
            message="A token is for an agent, has a name, and one scope or more.",
            place=f"agent {channel_code}",
            remedy=f"Scopes: {', '.join(TokenScope.values)}.",
            params={"scopes": ", ".join(TokenScope.values)},
        )
    token = _PREFIX + secrets.token_urlsafe(32)
    made = ChannelToken.objects.create(
        channel=channel,
        name=name.strip()[:80],
        sha256=_hash(token),
        shown=token[:12],
        scopes=chosen,
        expires_at=expires_at,
        issued_at=now,
        issued_by_id=actor_id,
    )
    return IssuedToken(token_id=made.pk, token=token)


def revoke_token(*, token_id: int, now: datetime, actor_id: int | None = None) -> None:
    """From now on the token opens nothing; a second time changes nothing."""
    ChannelToken.objects.filter(pk=token_id, revoked_at__isnull=True).update(
        revoked_at=now, revoked_by_id=actor_id
    )


def authenticate(*, token: str, scope: TokenScope, address: str, now: datetime) -> Caller:
    """The agent whose token may do this from that address now; counts the call.

    The token is looked up by its hash, so how long the search takes says nothing about it. Raises
    UnableToAuthenticate: 401 for a token that opens nothing, 403 for scope or address, 429 above the rate.
    """
    found = (
        ChannelToken.objects.select_related("channel")
        .filter(sha256=_hash(token), revoked_at__isnull=True, channel__is_active=True)
        .first()
    )
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        raise _refusal(401, "token-unknown", "The token is missing, unknown, expired or revoked.")
    channel = found.channel
    if channel.allowed_addresses and not _is_within(address, channel.allowed_addresses):
        raise _refusal(403, "address-refused", "Calls from this address are not allowed.")
    if scope.value not in found.scopes:
        raise _refusal(403, "scope-missing", "The token may not do this.")
    if _count_call(found.pk, now) > channel.per_minute:
        raise _refusal(429, "rate", "Too many calls in this minute.")
    return Caller(
        channel_id=channel.pk,
        code=channel.code,
        title=channel.title,
        currency=channel.currency,
        least_minor=channel.least_minor,
        most_minor=channel.most_minor,
        credit_minor=channel.credit_minor,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(caller in ipaddress.ip_network(network) for network in networks)


def _count_call(token_id: int, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_CALL, {"token_id": token_id, "minute": int(now.timestamp()) // 60})
        return int(cursor.fetchone()[0])


def _refusal(status: int, code: str, message: str) -> UnableToAuthenticate:
    error = UnableToAuthenticate(
        code=code, message=message, place="call", remedy="Ask the utility for a token, its scopes and limits."
    )
    error.status = status
    return error
