"""Signing in by user name and password, and setting a password by an administrator's link."""

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme

from mains.staff.actions.sign_in import lift_lock
from mains.web.office.sign_in.forms import SignInForm
from mains.web.office.views.languages import note_language


class SignIn(LoginView):
    """User name and password; a second factor follows for those who have one."""

    template_name = "office/login.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Hand over to the second factor, or sign the person in, and note their language on this device."""
        person = form.get_user()
        lift_lock(username=person.get_username())
        login = Login(user=person, redirect_url=self._next())
        response: HttpResponse = perform_password_login(
            self.request, {"username": person.get_username()}, login
        )
        note_language(self.request, response, person)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The utility's own providers stand below the form."""
        apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        return super().get_context_data(**kwargs) | {"providers": apps}

    def _next(self) -> str:
        address = str(self.request.POST.get("next") or self.request.GET.get("next") or "")
        is_ours = url_has_allowed_host_and_scheme(
            address, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )
        return address if is_ours else str(self.get_default_redirect_url())


@method_decorator(login_not_required, name="dispatch")
class SetPassword(PasswordResetConfirmView):
    """A password set by a link that an administrator made; all sessions of the person end with it."""

    template_name = "office/own/set_password.html"
    success_url = reverse_lazy("login")
    reset_url_token = "set"  # noqa: S105 -- a word of the address
