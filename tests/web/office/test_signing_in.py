"""Signing in: password rules, growing delays, second factors, limits of sessions; without a demo utility."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateRange
from django.test import Client, RequestFactory

from mains.staff.actions.sign_in import end_sessions, note_failure
from mains.staff.models import Assignment, AuditEntry, Organisation, Role, SignInDelay, User
from mains.staff.queries.sign_in import list_sessions, locked_until, subject_of_account
from mains.web.office.password_links import password_link
from mains.web.office.sign_in.addresses import client_address

pytestmark = pytest.mark.django_db
PASSWORD = "a tram full of lamps"
NOW = datetime(2021, 6, 7, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    """The hash that keeps guessing slow would keep the tests slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada() -> User:
    """Ada Bello, a clerk with a long password."""
    person = User.objects.create_user("ada.bello", password=PASSWORD, first_name="Ada", last_name="Bello")
    unit = Organisation.objects.create(code="U", name="Utility", kind="utility")
    role = Role.objects.create(code="clerk", name="Clerk", permissions=["see_reports"])
    Assignment.objects.create(
        user=person, organisation=unit, role=role, valid=DateRange(date(2020, 1, 1), None), recorded_at=NOW
    )
    return person


def _sign_in(password: str = PASSWORD, *, client: Client | None = None, **headers: str):
    client = client or Client(HTTP_HOST="localhost")
    return client, client.post("/sign-in/", {"username": "ada.bello", "password": password}, **headers)


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def _set_up_app(client: Client) -> str:
    client.post("/own/confirm/?next=/own/app/", {"password": PASSWORD})
    page = client.get("/own/app/")
    secret = page.context["form"].secret
    assert client.post("/own/app/", {"code": _code(secret)}).status_code == 302
    return secret


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        (PASSWORD, True),
        ("short but fine", False),  # 14 characters alone are too few
        ("aaaaaaaaaaaaaaaaaaa", False),
        ("abcdefghijklmnopqrs", False),
        ("abcabcabcabcabcabc", False),
        ("ada.bello-ada.bello-1", False),
        ("mainsutility20212021", False),
        ("q" * 257, False),
        ("кружка у окна тёплая", True),
        ("123456789123456789", False),
    ],
)
def test_passwords_are_long_and_not_guessed_and_need_no_composition(ada, password, is_good) -> None:
    if is_good:
        validate_password(password, ada)
        return
    with pytest.raises(ValidationError):
        validate_password(password, ada)


def test_eight_characters_do_with_a_second_factor_and_known_ones_never(ada) -> None:
    with pytest.raises(ValidationError):
        validate_password("lamp-tram", ada)
    Authenticator.objects.create(user=ada, type="totp", data={"secret": "x"})
    validate_password("lamp-tram", ada)
    with pytest.raises(ValidationError):
        validate_password("password1", ada)


def test_failures_delay_the_account_longer_each_time_and_success_forgets_them(ada) -> None:
    for _ in range(4):
        _sign_in("wrong")
    assert _sign_in()[1].status_code == 302
    assert not SignInDelay.objects.filter(subject=subject_of_account("ada.bello")).exists()
    for _ in range(5):
        _sign_in("wrong")
    client, answer = _sign_in()
    assert "Too many failures" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    delays = []
    for _ in range(3):
        note_failure(username="Ada.Bello ", address="10.0.0.9", now=NOW)
        until = locked_until(username="ada.bello", address="10.9.9.9", now=NOW)
        assert until
        delays.append((until - NOW).total_seconds())
    assert delays == [60, 120, 240]
    for _ in range(20):
        note_failure(username="ada.bello", address="10.0.0.9", now=NOW)
    assert locked_until(username="ada.bello", address="10.9.9.9", now=NOW) == NOW + timedelta(hours=1)
    note_failure(username="ada.bello", address="10.0.0.9", now=NOW + timedelta(days=2))
    assert locked_until(username="ada.bello", address="10.9.9.9", now=NOW + timedelta(days=2)) is None


def test_an_address_that_tries_many_accounts_waits_too(ada) -> None:
    for place in range(30):
        note_failure(username=f"guess{place}", address="10.0.0.7", now=NOW)
    assert locked_until(username="ada.bello", address="10.0.0.7", now=NOW)
    assert locked_until(username="ada.bello", address="10.0.0.8", now=NOW) is None


def test_the_log_and_the_delays_name_no_password_typed_as_a_name(ada) -> None:
    Client(HTTP_HOST="localhost").post("/sign-in/", {"username": "my secret words", "password": "x"})
    entry = AuditEntry.objects.latest("pk")
    assert (entry.operation, entry.person, entry.user_id) == ("login", "", None)
    assert "secret" not in repr(list(SignInDelay.objects.values()))


def test_an_app_is_asked_for_after_the_password_and_a_code_works_once(ada) -> None:
    client, _ = _sign_in()
    secret = _set_up_app(client)
    stored = Authenticator.objects.get(user=ada, type="totp").data["secret"]
    assert secret not in stored
    other, answer = _sign_in()
    assert answer["Location"] == "/sign-in/second-factor/"
    assert other.get("/reports/turnover/").status_code == 302
    assert "Incorrect code" in other.post("/sign-in/second-factor/", {"code": "000000"}).content.decode()
    assert other.post("/sign-in/second-factor/", {"code": _code(secret)}).status_code in (200, 302)
    codes = Authenticator.objects.get(user=ada, type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10
    third, _ = _sign_in()
    assert third.post("/sign-in/second-factor/", {"code": codes[0]}).status_code == 302
    assert third.session["_auth_user_id"] == str(ada.pk)
    fourth, _ = _sign_in()
    assert fourth.post("/sign-in/second-factor/", {"code": codes[0]}).status_code == 200
    assert "_auth_user_id" not in fourth.session


def test_codes_are_delayed_like_passwords(ada) -> None:
    client, _ = _sign_in()
    secret = _set_up_app(client)
    other, _ = _sign_in()
    for _ in range(5):
        other.post("/sign-in/second-factor/", {"code": "000000"})
    answer = other.post("/sign-in/second-factor/", {"code": _code(secret)})
    assert "Too many failures" in answer.content.decode()
    assert "_auth_user_id" not in other.session


def test_a_role_demands_a_second_factor_before_anything_else(ada) -> None:
    Role.objects.update(demands_second_factor=True)
    client, _ = _sign_in()
    assert client.get("/reports/turnover/")["Location"] == "/own/"
    assert "Your role demands a second factor." in client.get("/own/").content.decode()
    answer = client.get("/reports/turnover/", HTTP_HX_REQUEST="true")
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/own/")
    _set_up_app(client)
    client.post("/own/app/remove/")
    assert Authenticator.objects.filter(user=ada, type="totp").exists()
    # This session began without the factor, so it shows it once.
    assert client.get("/reports/turnover/")["Location"].startswith("/own/confirm/")


def test_the_last_factor_stays_while_the_password_is_short(ada) -> None:
    client, _ = _sign_in()
    _set_up_app(client)
    User.objects.filter(pk=ada.pk).update(has_long_password=False)
    assert "The last second factor stays." in client.get("/own/app/remove/").content.decode()
    User.objects.filter(pk=ada.pk).update(has_long_password=True)
    assert client.post("/own/app/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=ada, type="totp").exists()


def test_sessions_end_when_idle_and_after_a_working_day(ada, settings) -> None:
    client, _ = _sign_in()
    assert client.get("/own/").status_code == 200
    session = client.session
    session["seen_at"] -= 3601
    session.save()
    assert client.get("/own/").status_code == 302
    client, _ = _sign_in()
    client.get("/own/")
    session = client.session
    session["began_at"] -= settings.SESSION_HOURS * 3600 + 1
    session.save()
    assert client.get("/own/").status_code == 302


def test_a_person_ends_the_other_sessions_and_a_new_password_does_too(ada) -> None:
    first, _ = _sign_in(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/145.0")
    second, _ = _sign_in(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Chrome/140.0 Safari/537")
    assert {one.browser for one in list_sessions(user_id=ada.pk)} == {"Firefox, Windows", "Chrome, Linux"}
    second.post("/own/sessions/end/")
    assert first.get("/own/").status_code == 302
    assert second.get("/own/").status_code == 200
    third, _ = _sign_in()
    changed = {
        "old_password": PASSWORD,
        "new_password1": "a boat of seven pears",
        "new_password2": "a boat of seven pears",
    }
    assert second.post("/own/password/", changed).status_code == 302
    assert third.get("/own/").status_code == 302
    assert second.get("/own/").status_code == 200
    assert end_sessions(user_id=ada.pk) == 1
    assert second.get("/own/").status_code == 302


def test_a_link_sets_a_password_once(ada) -> None:
    link = password_link(ada)
    client = Client(HTTP_HOST="localhost")
    page = client.get(link)
    assert page.status_code == 302
    form = page["Location"]
    told = {"new_password1": "a boat of seven pears", "new_password2": "a boat of seven pears"}
    assert client.post(form, {"new_password1": "short", "new_password2": "short"}).status_code == 200
    assert client.post(form, told).status_code == 302
    assert _sign_in("a boat of seven pears")[1].status_code == 302
    assert "This link was used" in Client(HTTP_HOST="localhost").get(link).content.decode()


def test_next_goes_nowhere_else(ada) -> None:
    client = Client(HTTP_HOST="localhost")
    told = {"username": "ada.bello", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/sign-in/", told)["Location"] == "/"


def test_the_address_is_the_one_that_our_proxy_saw(settings) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 81.2.69.160")
    settings.PROXIES = 0
    assert client_address(request) == "10.0.0.1"
    settings.PROXIES = 1
    assert client_address(request) == "81.2.69.160"
    request.META["HTTP_X_FORWARDED_FOR"] = "nonsense"
    assert client_address(request) == "0.0.0.0"


def test_nobody_signs_up_by_single_sign_on_and_an_unknown_provider_is_not_found(ada) -> None:
    assert Client(HTTP_HOST="localhost").post("/sign-in/with/nobody/").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/own/",
        "/own/password/",
        "/own/app/",
        "/own/codes/",
        "/own/keys/add/",
        "/own/confirm/",
        "/own/keys/1/",
    ],
)
def test_own_pages_need_signing_in(ada, path) -> None:
    answer = Client(HTTP_HOST="localhost").get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")
