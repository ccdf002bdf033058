"""The language of a person: chosen by the switch, kept with the person, back at the next sign-in anywhere."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.i18n import set_language

from mains.staff.actions.preferences import choose_language

COOKIE_AGE_S = 365 * 24 * 3600


class SignIn(LoginView):
    """Signing in brings the person's own language, unless one was chosen on this device."""

    template_name = "office/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the person in and note their language on this device."""
        response = super().form_valid(form)
        language = getattr(form.get_user(), "language", "")
        offered = dict(settings.LANGUAGES)
        if settings.LANGUAGE_COOKIE_NAME not in self.request.COOKIES and language in offered:
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=COOKIE_AGE_S, samesite="Lax")
        return response


@login_not_required
def switch_language(request: HttpRequest) -> HttpResponseBase:
    """Django's switch of language, which also remembers the choice with the person who is signed in."""
    language = request.POST.get("language", "")
    is_offered = language in dict(settings.LANGUAGES)
    if request.method == "POST" and is_offered and request.user.is_authenticated and request.user.pk:
        choose_language(user_id=request.user.pk, language=language)
    return set_language(request)
