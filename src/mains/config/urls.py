"""Addresses of the project: one include per audience."""

from importlib.util import find_spec

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("sign-out/", LogoutView.as_view(), name="logout"),
]
if find_spec("mains.web.office.urls"):
    urlpatterns.append(path("", include("mains.web.office.urls")))
