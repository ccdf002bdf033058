"""State who collects for the utility by machine, and find the provider's rules of a channel."""

import ipaddress
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mains.kernel.errors import MainsError
from mains.payments.models import PaymentChannel
from mains.payments.values.online import ChannelKind, Provider, ProviderRefusal, ProviderSettings

_CODE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_SECRET_ENDINGS = ("key", "keys", "secret", "password", "token")
_providers: dict[str, Callable[[ProviderSettings], Provider]] = {}
# Providers with their keys read, by channel as it was when they were made.
_made: dict[tuple[object, ...], Provider] = {}


class UnableToStateChannel(MainsError):
    """The channel's data contradict themselves."""


def register_provider(adapter: str, make: Callable[[ProviderSettings], Provider]) -> None:
    """Offer a provider's rules under a name; done when Django starts."""
    _providers[adapter] = make


def known_adapters() -> list[str]:
    return sorted(_providers)


def state_channel(
    *,
    code: str,
    title: str,
    kind: str,
    currency: str,
    now: datetime,
    adapter: str = "",
    settings: Mapping[str, object] | None = None,
    **limits: Any,
) -> PaymentChannel:
    """Add a channel, or state it anew. `limits` are the fields least_minor, most_minor, credit_minor, per_minute,
    allowed_addresses, payer_accounts, is_active. Raises UnableToStateChannel."""
    if not 2 <= len(code) <= 20 or not set(code) <= _CODE_CHARACTERS:
        raise _refusal(code, "A code has 2 to 20 small letters, digits and hyphens.", "Choose another code.")
    if kind not in ChannelKind.values:
        raise _refusal(code, f"{kind} is no kind of channel.", f"One of: {', '.join(ChannelKind.values)}.")
    # An acquirer of terminals at desks alone is never called, and has no adapter.
    is_wrong = bool(adapter) if kind == ChannelKind.AGENT else kind == ChannelKind.WALLET and not adapter
    if is_wrong or (adapter and adapter not in _providers):
        raise _refusal(
            code,
            "An agent has no adapter, a wallet has a known one, an acquirer a known one or none.",
            f"Adapters: {', '.join(known_adapters())}.",
        )
    for address in limits.get("allowed_addresses") or ():
        try:
            ipaddress.ip_network(address)
        except ValueError as error:
            raise _refusal(
                code, f"{address} is no network.", "Write 203.0.113.7 or 203.0.113.0/24."
            ) from error
    secret = next((name for name in settings or {} if name.lower().endswith(_SECRET_ENDINGS)), None)
    if secret is not None:
        raise _refusal(
            code,
            f"{secret} looks like a secret, and settings are shown on pages.",
            f"Put it into the environment: {secret_name(code, secret)}.",
        )
    fields = {
        "title": title,
        "kind": kind,
        "currency": currency,
        "adapter": adapter,
        "settings": settings or {},
    }
    channel, _is_new = PaymentChannel.objects.update_or_create(
        code=code, defaults=fields | limits, create_defaults=fields | limits | {"recorded_at": now}
    )
    return channel


def provider_of(channel: PaymentChannel) -> Provider:
    """The rules of the channel's provider, with its keys. Raises ProviderRefusal when there are none."""
    key = (channel.code, channel.adapter, channel.currency, repr(sorted(channel.settings.items())))
    if key not in _made:
        if channel.adapter not in _providers:
            raise ProviderRefusal(
                code="channel-adapter",
                message="This channel has no provider that could be asked.",
                place=f"channel {channel.code}",
                remedy="Agents call us; state an adapter for a wallet or an acquirer.",
            )
        settings = ProviderSettings(
            code=channel.code,
            values=dict(channel.settings),
            currency=channel.currency,
            secret=lambda name: read_secret(channel.code, name),
        )
        _made[key] = _providers[channel.adapter](settings)
    return _made[key]


def secret_name(code: str, name: str) -> str:
    """The variable of the environment that holds a channel's secret; with _FILE after it, the path of a file."""
    return f"MAINS_PAY_{code}_{name}".upper().replace("-", "_")


def read_secret(code: str, name: str) -> str:
    """A secret of a channel. Raises ProviderRefusal when it is nowhere; never says what it is."""
    variable = secret_name(code, name)
    path = os.environ.get(f"{variable}_FILE")
    value = Path(path).read_text(encoding="utf-8") if path else os.environ.get(variable, "")
    if not value.strip():
        raise ProviderRefusal(
            code="channel-secret",
            message=f"The secret {variable} is missing.",
            place=f"channel {code}",
            remedy="Set it in the environment, or a variable with _FILE after its name to the path of a file.",
            params={"variable": variable},
        )
    return value


def _refusal(code: str, message: str, remedy: str) -> UnableToStateChannel:
    return UnableToStateChannel(code="channel", message=message, place=f"channel {code}", remedy=remedy)
