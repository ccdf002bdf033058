"""Rules of passwords by NIST SP 800-63B: long enough, not known to everybody, not made of where it is used."""

import itertools
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mains.staff.queries.sign_in import has_second_factor
from mains.staff.values import LONG_PASSWORD, SHORT_PASSWORD

_MAX = 256  # a hash of more costs the server, and nobody types it
_PLACE = (
    "mains",
    "utility",
    "office",
    "password",
    "passwort",
    "parola",
    "sifre",
    "пароль",
    "motdepasse",
    "密码",
)


class LongEnough:
    """At least 15 characters, or 8 for those who have a second factor."""

    def validate(self, password: str, user: Any = None) -> None:
        least = self._least(user)
        if len(password) < least:
            raise ValidationError(
                ngettext(
                    "A password has at least %(count)d character.",
                    "A password has at least %(count)d characters.",
                    least,
                )
                % {"count": least},
                code="password_too_short",
            )
        if len(password) > _MAX:
            raise ValidationError(
                _("A password has at most %(count)d characters.") % {"count": _MAX}, code="password_too_long"
            )

    def get_help_text(self) -> str:
        return _(
            "At least %(long)d characters, or %(short)d with a second factor. A few words with spaces are good."
        ) % {"long": LONG_PASSWORD, "short": SHORT_PASSWORD}

    def _least(self, user: Any) -> int:
        is_known = user is not None and user.pk is not None
        return SHORT_PASSWORD if is_known and has_second_factor(user_id=user.pk) else LONG_PASSWORD


class NotOfThisPlace:
    """Not one piece repeated, not a run of neighbours, not just the name of this place or of the person."""

    def validate(self, password: str, user: Any = None) -> None:
        folded = password.casefold()
        names = {*_PLACE, *(host.strip(".[]*").casefold() for host in settings.ALLOWED_HOSTS)}
        names |= {
            str(getattr(user, name, "") or "").casefold() for name in ("username", "first_name", "last_name")
        }
        rest = folded
        for name in sorted(filter(None, names), key=len, reverse=True):
            rest = rest.replace(name, "")
        letters = sum(not each.isdigit() for each in rest)
        if _is_repeated(folded) or _is_run(folded) or (rest != folded and letters < 4):
            raise ValidationError(_("This password is easily guessed."), code="password_of_place")

    def get_help_text(self) -> str:
        return _("Not your name, the name of this place, or a pattern.")


def _is_repeated(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _is_run(text: str) -> bool:
    steps = {ord(later) - ord(earlier) for earlier, later in itertools.pairwise(text)}
    return len(steps) == 1
