"""What django-allauth asks of us: who may sign in how, and how secrets are kept."""

import base64
import io
from hashlib import sha256
from typing import Any

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from mains.staff.queries.people import demands_second_factor
from mains.staff.queries.sign_in import find_user_by_verified_email
from mains.web.office.sign_in.addresses import client_address


class StaffAdapter(DefaultAccountAdapter):
    """People of the utility: administrators add them, nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        del request
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say failures; that somebody signed in or out they see."""
        if level >= messages.ERROR:
            super().add_message(request, level, *args, **kwargs)


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: secrets are encrypted, and the last factor stays where a role or the password needs it."""

    error_messages = DefaultMFAAdapter.error_messages

    def get_totp_issuer(self) -> str:
        return "Mains"

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())

    def build_totp_svg(self, url: str) -> str:
        picture = io.BytesIO()
        segno.make(url, error="m").save(picture, kind="svg", scale=5, border=4, light="#ffffff")
        return picture.getvalue().decode()

    def encrypt(self, text: str) -> str:
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last factor of those whose role demands one, or whose password is too short to stand alone."""
        kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
        user = authenticator.user
        if authenticator.type not in kinds:
            return True
        others = Authenticator.objects.filter(user=user, type__in=kinds).exclude(pk=authenticator.pk)
        if others.exists():
            return True
        stands_alone = user.has_long_password or not user.has_usable_password()
        return stands_alone and not demands_second_factor(user_id=user.pk, on_date=localdate())


class SingleSignOn(DefaultSocialAccountAdapter):
    """The utility's provider vouches for people whom an administrator has added; it adds nobody."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        del request, sociallogin
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Tie the provider's subject to the person of its verified address, the first time."""
        if sociallogin.is_existing:
            return
        told = sociallogin.account.extra_data
        told = told.get("userinfo") or told.get("id_token") or told
        email = str(told.get("email", "")) if told.get("email_verified") is True else ""
        person = find_user_by_verified_email(email)
        if person is None:
            messages.error(
                request,
                _("Nobody of the utility has this verified address. Ask an administrator to add you."),
            )
            raise ImmediateHttpResponse(redirect("login"))
        sociallogin.connect(request, person)


def _fernet() -> Fernet:
    key = sha256(b"second factors " + str(settings.SECRET_KEY).encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
