"""The language of a person: chosen by the switch, kept with the person, back at the next sign-in anywhere."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.views.i18n import set_language

from mains.staff.actions.preferences import choose_language

COOKIE_AGE_S = 365 * 24 * 3600


def note_language(request: HttpRequest, response: HttpResponseBase, person: object) -> None:
    """Signing in brings the person's own language, unless one was chosen on this device."""
    language = getattr(person, "language", "")
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=COOKIE_AGE_S, samesite="Lax")


@login_not_required
def switch_language(request: HttpRequest) -> HttpResponseBase:
    """Django's switch of language, which also remembers the choice with the person who is signed in."""
    language = request.POST.get("language", "")
    is_offered = language in dict(settings.LANGUAGES)
    if request.method == "POST" and is_offered and request.user.is_authenticated and request.user.pk:
        choose_language(user_id=request.user.pk, language=language)
    return set_language(request)
