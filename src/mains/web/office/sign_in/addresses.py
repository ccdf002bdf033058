"""The address of a person, also behind our own proxies."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104 -- told where the server does not know, never listened on


def client_address(request: HttpRequest) -> str:
    """The address that the outermost of our proxies saw: what stands further left in the header, anybody may write."""
    seen = str(request.META.get("REMOTE_ADDR", ""))
    if settings.PROXIES:
        told = [
            part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
        ]
        seen = told[-settings.PROXIES] if len(told) >= settings.PROXIES else (told or [seen])[0]
    try:
        return str(ip_address(seen))
    except ValueError:
        return UNKNOWN
