"""Addresses of the project: one include per audience."""

from importlib.util import find_spec

from allauth.account import views as of_account
from allauth.mfa.base import views as of_factors
from allauth.mfa.recovery_codes import views as of_codes
from allauth.mfa.totp import views as of_apps
from allauth.mfa.webauthn import views as of_keys
from allauth.socialaccount import views as of_provider
from allauth.socialaccount.providers.openid_connect import views as of_oidc
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from mains.web.office.views import own
from mains.web.office.views.languages import switch_language
from mains.web.office.views.sign_in import SetPassword, SignIn

# Before signing in. Django-allauth looks its own addresses up by its own names.
_ENTRANCE: list[URLPattern | URLResolver] = [
    # The sign-in page offers every language.
    path("language/", switch_language, name="set_language"),
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-in/", SignIn.as_view(), name="account_login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("sign-out/", LogoutView.as_view(), name="account_logout"),
    path("sign-in/second-factor/", of_factors.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", of_keys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/inactive/", of_account.account_inactive, name="account_inactive"),
    path("sign-in/password/<uidb64>/<token>/", SetPassword.as_view(), name="password_reset_confirm"),
    path("sign-in/with/<str:provider_id>/", of_oidc.login, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/back/", of_oidc.callback, name="openid_connect_callback"),
    path("sign-in/with-error/", of_provider.login_error, name="socialaccount_login_error"),
    path("sign-in/with-cancelled/", of_provider.login_cancelled, name="socialaccount_login_cancelled"),
]
# Of the person who is signed in.
_OWN: list[URLPattern | URLResolver] = [
    path("own/", own.own_sign_in, name="mfa_index"),
    path("own/password/", own.ChangePassword.as_view(), name="change_password"),
    path("own/sessions/end/", own.end_other_sessions, name="end_other_sessions"),
    path("own/confirm/", of_account.reauthenticate, name="account_reauthenticate"),
    path("own/confirm/code/", of_factors.reauthenticate, name="mfa_reauthenticate"),
    path("own/confirm/key/", of_keys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("own/app/", of_apps.activate_totp, name="mfa_activate_totp"),
    path("own/app/remove/", of_apps.deactivate_totp, name="mfa_deactivate_totp"),
    path("own/codes/", of_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("own/codes/new/", of_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("own/codes/file/", of_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("own/keys/", own.own_sign_in, name="mfa_list_webauthn"),
    path("own/keys/add/", of_keys.add_webauthn, name="mfa_add_webauthn"),
    path("own/keys/<int:pk>/remove/", own.RemoveKey.as_view(), name="mfa_remove_webauthn"),
    path("own/keys/<int:pk>/", of_keys.edit_webauthn, name="mfa_edit_webauthn"),
]
urlpatterns: list[URLPattern | URLResolver] = [*_ENTRANCE, *_OWN]
urlpatterns.append(path("", include("mains.web.api.urls")))
if find_spec("mains.web.office.urls"):
    urlpatterns.append(path("", include("mains.web.office.urls")))
