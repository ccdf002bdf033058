"""The page of one's own sign-in: password, second factors, passkeys, sessions."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mains.staff.actions.sign_in import end_sessions
from mains.staff.queries.people import demands_second_factor
from mains.staff.queries.sign_in import list_factors, list_sessions


@never_cache
def own_sign_in(request: HttpRequest) -> HttpResponse:
    """How I sign in, and where I am signed in."""
    person: Any = request.user
    factors = list_factors(user_id=person.pk)
    context = {
        "apps": [factor for factor in factors if factor.kind == "totp"],
        "keys": [factor for factor in factors if factor.kind == "webauthn"],
        "codes": next((factor for factor in factors if factor.kind == "recovery_codes"), None),
        "is_demanded": demands_second_factor(user_id=person.pk, on_date=localdate()),
        "has_long_password": person.has_long_password,
        "sessions": list_sessions(user_id=person.pk),
        "current_key": request.session.session_key,
    }
    return render(request, "office/own/sign_in.html", context)


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign me out everywhere else."""
    count = end_sessions(user_id=request.user.pk or 0, except_key=request.session.session_key or "")
    messages.success(request, _("Signed out elsewhere: %(count)d.") % {"count": count})
    return redirect("mfa_index")


class RemoveKey(RemoveWebAuthnView):
    """A key goes, unless it is the last second factor of somebody who needs one."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Refuse what the adapter refuses; django-allauth asks it for apps only."""
        if not get_adapter().can_delete_authenticator(self.get_object()):
            messages.error(self.request, _("The last second factor stays."))
            return redirect("mfa_index")
        return super().form_valid(form)


class ChangePassword(PasswordChangeView):
    """A new password by the old one; all other sessions end."""

    template_name = "office/own/change_password.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, and sign out elsewhere."""
        response = super().form_valid(form)
        # The key of this session is a new one by now.
        UserSession.objects.create_from_request(self.request)
        end_sessions(user_id=self.request.user.pk or 0, except_key=self.request.session.session_key or "")
        messages.success(self.request, _("The password is changed; you are signed out elsewhere."))
        return response
