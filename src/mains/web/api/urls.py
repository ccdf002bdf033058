"""Addresses for machines."""

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, path

from mains.web.api.agents import api
from mains.web.api.callbacks import callback
from mains.web.api.soap import soap


def _open(found: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Addresses that ask for a token themselves are not for people who sign in."""
    for pattern in found:
        if isinstance(pattern, URLPattern):
            pattern.callback = login_not_required(pattern.callback)
    return found


_found, _app, _namespace = api.urls
urlpatterns: list[URLPattern | URLResolver] = [
    path("agents/v1/soap", soap, name="agents_soap"),
    path("callbacks/<slug:code>/", callback, name="payment_callback"),
    path("agents/v1/", (_open(_found), _app, _namespace)),
]
