"""Signing in: the person's own language, and the day on which a demonstration lives."""

from dataclasses import replace
from datetime import date

from django.core.cache import cache
from django.db import connection
from django.test import Client

from mains.base.address import database_address
from mains.packs.shelf import DemoKey, mark_demo
from mains.staff.models import User
from mains.web.office.clock import demo_day, now, today

PASSWORD = "meter-17-blue"


def _sign_in(client: Client, username: str) -> None:
    answer = client.post("/sign-in/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302


def test_the_stored_language_applies_after_signing_in(own_office) -> None:
    username = own_office.people["supervisor"]
    User.objects.filter(username=username).update(language="de")
    client = Client(HTTP_HOST="localhost", HTTP_ACCEPT_LANGUAGE="fr")
    _sign_in(client, username)
    assert 'lang="de"' in client.get("/accounts/").content.decode()


def test_a_language_chosen_on_the_device_comes_first_and_the_switch_remembers(own_office) -> None:
    username = own_office.people["supervisor"]
    User.objects.filter(username=username).update(language="de")
    client = Client(HTTP_HOST="localhost")
    client.post("/language/", {"language": "tr", "next": "/sign-in/"})
    _sign_in(client, username)
    assert 'lang="tr"' in client.get("/accounts/").content.decode()
    client.post("/language/", {"language": "fr", "next": "/"})
    assert User.objects.get(username=username).language == "fr"
    client.post("/language/", {"language": "xx", "next": "/"})
    assert User.objects.get(username=username).language == "fr"


def test_a_demo_lives_on_the_day_noted_on_its_database(own_office, monkeypatch) -> None:
    monkeypatch.delenv("MAINS_TODAY")
    name = connection.settings_dict["NAME"]
    cache.clear()
    assert demo_day() is None
    address = replace(database_address(), database=name)
    mark_demo(
        loaded=DemoKey(pack="ru_communal", accounts=600, seed=7), address=address, today=date(2021, 6, 7)
    )
    cache.clear()
    assert demo_day() == today() == now().date() == date(2021, 6, 7)
    page = own_office.sign_in("supervisor").get("/").content.decode()
    assert "Demonstration of" in page
    cache.clear()
