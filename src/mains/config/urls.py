"""Addresses of the project: one include per audience."""

from importlib.util import find_spec

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from mains.web.office.views.languages import SignIn, switch_language

urlpatterns: list[URLPattern | URLResolver] = [
    # Before signing in, too: the sign-in page offers every language.
    path("language/", switch_language, name="set_language"),
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
]
urlpatterns.append(path("", include("mains.web.api.urls")))
if find_spec("mains.web.office.urls"):
    urlpatterns.append(path("", include("mains.web.office.urls")))
