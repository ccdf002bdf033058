"""Addresses of the project: one include per audience."""

from importlib.util import find_spec

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

urlpatterns: list[URLPattern | URLResolver] = [
    # Before signing in, too: the sign-in page offers every language.
    path("language/", login_not_required(set_language), name="set_language"),
    path(
        "sign-in/",
        LoginView.as_view(template_name="office/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("sign-out/", LogoutView.as_view(), name="logout"),
]
if find_spec("mains.web.office.urls"):
    urlpatterns.append(path("", include("mains.web.office.urls")))
