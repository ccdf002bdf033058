"""Single sign-on, told by the environment: MAINS_OIDC_SERVER, _CLIENT_ID, _SECRET and _NAME."""

from collections.abc import Mapping
from typing import Any


def oidc_providers(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The OpenID Connect provider of the utility as django-allauth wants it; none while it is not told.

    People are known by the provider's subject; the first time by a verified e-mail address that one person of the
    utility has. MAINS_OIDC_SERVER is the issuer, whose description lies under /.well-known/openid-configuration.
    """
    server, client_id = (environment.get(f"MAINS_OIDC_{name}", "") for name in ("SERVER", "CLIENT_ID"))
    if not server or not client_id:
        return []
    return [
        {
            "provider_id": "utility",
            "name": environment.get("MAINS_OIDC_NAME", "Single sign-on"),
            "client_id": client_id,
            "secret": environment.get("MAINS_OIDC_SECRET", ""),
            "settings": {"server_url": server, "scope": ["openid", "profile", "email"]},
        }
    ]
