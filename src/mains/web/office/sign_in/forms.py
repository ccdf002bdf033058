"""Forms of signing in, with delays that grow with every failure."""

from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateCodeForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import ngettext

from mains.base.clock import read_clock
from mains.staff.actions.sign_in import lift_lock, note_failure
from mains.staff.queries.sign_in import locked_until
from mains.web.office.sign_in.addresses import client_address


def check_delay(request: HttpRequest, username: str) -> None:
    """Refuse while the account or the address has to wait. Raises ValidationError."""
    now = read_clock()
    until = locked_until(username=username, address=client_address(request), now=now)
    if until:
        minutes = max(1, -(-int((until - now).total_seconds()) // 60))
        raise ValidationError(
            ngettext(
                "Too many failures. Try again in %(count)d minute.",
                "Too many failures. Try again in %(count)d minutes.",
                minutes,
            )
            % {"count": minutes},
            code="delayed",
        )


class SignInForm(AuthenticationForm):
    """User name and password."""

    def clean(self) -> dict[str, Any]:
        """Refuse during a delay before looking at the password, and count failures."""
        assert self.request
        username = str(self.cleaned_data.get("username", ""))
        check_delay(self.request, username)
        try:
            cleaned = super().clean()
        except ValidationError:
            note_failure(username=username, address=client_address(self.request), now=read_clock())
            raise
        return cleaned


class _Delayed:
    """A proof of the second kind, a code or the password again: the same delays as for signing in."""

    user: Any
    field = "code"

    def full_clean(self) -> None:
        if not self.is_bound:  # type: ignore[attr-defined]
            super().full_clean()  # type: ignore[misc]
            return
        request, username = context.request, self.user.get_username()
        try:
            check_delay(request, username)
        except ValidationError as refusal:
            self.cleaned_data: dict[str, Any] = {}
            self._errors = self._refused(refusal)
            return
        super().full_clean()  # type: ignore[misc]
        if self.errors:  # type: ignore[attr-defined]
            note_failure(username=username, address=client_address(request), now=read_clock())
        else:
            lift_lock(username=username)

    def _refused(self, refusal: ValidationError) -> Any:
        from django.forms.utils import ErrorDict, ErrorList

        return ErrorDict({self.field: ErrorList(refusal.messages)})


class CodeForm(_Delayed, AuthenticateForm):
    """The code of an app, or a recovery code, at signing in."""


class ConfirmCodeForm(_Delayed, ReauthenticateCodeForm):
    """The code once more, before something weighty."""


class ConfirmPasswordForm(_Delayed, ReauthenticateForm):
    """The password once more, before something weighty."""

    field = "password"
