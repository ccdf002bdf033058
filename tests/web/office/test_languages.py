"""Every main page in every language: nothing of the English source remains where a translation exists."""

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from mains.base.formats import money_short_text
from mains.config.cli import i18n

LANGUAGES = {"ru": "ru", "tr": "tr", "zh-hans": "zh_Hans", "de": "de", "fr": "fr"}
PAGES = [
    ("dashboard", [], ""),
    ("accounts", [], ""),
    ("account", ["corrected_account"], ""),
    ("account_use", ["corrected_account"], ""),
    ("account_money", ["corrected_account"], ""),
    ("account_meters", ["corrected_account"], ""),
    ("account_premise", ["corrected_account"], ""),
    ("account_history", ["corrected_account"], ""),
    ("bill", ["corrected_bill"], ""),
    ("bill_line", ["corrected_bill", 1], ""),
    ("runs", [], ""),
    ("run", [1], ""),
    ("registers", [], ""),
    ("register", [1], ""),
    ("register", [3], ""),
    ("turnover", [], ""),
    ("network", [], ""),
    ("node", [1], ""),
    ("map", [], ""),
    ("exceptions", [], "?show=readings"),
    ("exceptions", [], "?show=unmapped"),
    ("exceptions", [], "?show=bills"),
    ("exceptions", [], "?show=suspense"),
    ("tariffs", [], ""),
    ("tariff", ["one_rate"], ""),
    ("new_draft", [], "?copy=ru-electricity-one-rate"),
    ("draft", ["draft_id"], ""),
    ("draft_text", ["draft_id"], ""),
    ("try_draft", ["draft_id"], ""),
    ("draft_cases", ["draft_id"], ""),
    ("draft_changes", ["draft_id"], ""),
    ("draft_history", ["draft_id"], ""),
    ("search", [], "?q=zzz"),
    ("search", [], "?q=а"),
]
UNREAD = {"script", "style", "code", "kbd", "pre"}
SHOWN_ATTRIBUTES = ("aria-label", "title", "placeholder", "data-label", "data-announce")


@cache
def english_texts(language: str) -> tuple[set[str], re.Pattern[str]]:
    """Source texts that read otherwise in the language, and one pattern of what a page would show of those with values
    in them."""
    catalogue = i18n.load(LANGUAGES[language])
    translated = {
        form
        for message in catalogue
        for form in ([message.string] if isinstance(message.string, str) else message.string or ())
    }
    found, with_values = set(), []
    for message in catalogue:
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        for text in forms:
            if text and text not in translated:
                pattern = re.escape(text)
                pattern = re.sub(r"%\\\(\w+\\\)s|%\(\w+\)s|\\\{\w+\\\}", ".{1,80}?", pattern)
                if re.search(r"[A-Za-z]{3}", re.sub(r"\.\{1,80\}\?", "", pattern)):
                    found.add(text)
                    if pattern != re.escape(text):
                        with_values.append(pattern)
    return found, re.compile("|".join(with_values))


class _Page(HTMLParser):
    """Collects texts and labels of a page as a person meets them, and those that scripts will draw."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.texts: list[str] = []
        self.drawn = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.texts += [values[name] or "" for name in SHOWN_ATTRIBUTES if name in values]
        self.drawn = tag == "script" and values.get("type") == "application/json"
        if tag in UNREAD:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open_tags:
            self.open_tags.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.open_tags:
            self.texts.append(data)
        elif self.open_tags[-1] == "script" and self.drawn:
            self.texts += _texts_of(json.loads(data))


def shown_texts(content: bytes) -> Iterator[str]:
    """Texts of a page, without scripts, styles and code."""
    page = _Page()
    page.feed(content.decode("utf-8"))
    for text in page.texts:
        yield from _clean(text)


def _clean(text: str | None) -> Iterator[str]:
    words = " ".join((text or "").split())
    if words:
        yield words


def _texts_of(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield from _clean(data)
    elif isinstance(data, dict):
        for value in data.values():
            yield from _texts_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts_of(value)


# Codes of the data and of the tariff language that are words of the catalogue too, and a title that the pack gives
# in Russian and English alone.
CODES = {"bank", "months", "Mains", "Electricity"}


def left_in_english(content: bytes, language: str) -> list[str]:
    """Texts of the page that are source texts with a translation into that language."""
    sources, with_values = english_texts(language)
    shown = set(shown_texts(content)) - CODES
    return sorted(text for text in shown if text in sources or with_values.fullmatch(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_remains_on_the_main_pages(office, language: str) -> None:
    client = office.sign_in("administrator")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    book = client.get(reverse("office:account_meters", args=[office.corrected_account])).content.decode()
    meter = next(iter(re.findall(r'href="(/meters/\d+/)"', book)))
    addresses = [meter]
    for name, arguments, query in PAGES:
        args = [getattr(office, arg) if isinstance(arg, str) else arg for arg in arguments]
        addresses.append(reverse(f"office:{name}", args=args) + query)
    remaining = {}
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        remaining[address] = left_in_english(answer.content, language)
    assert {address: texts for address, texts in remaining.items() if texts} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_english_remains_at_the_door(office, language: str) -> None:
    client = Client(HTTP_HOST="localhost")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    wrong = client.post(reverse("login"), {"username": "nobody", "password": "x"})
    assert wrong.status_code == 200
    signed_in = office.sign_in("administrator")
    signed_in.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    nowhere = signed_in.get("/nowhere/")
    assert nowhere.status_code == 404
    assert left_in_english(wrong.content, language) == []
    assert left_in_english(nowhere.content, language) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("de", "Ein Zählerstand besteht nur aus Ziffern"), ("ru", "В показании только цифры")],
)
def test_a_refused_reading_is_explained_in_the_clerks_language(own_office, language: str, said: str) -> None:
    client = own_office.sign_in("administrator")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    book = client.get(reverse("office:account_meters", args=[own_office.corrected_account]))
    register = book.context["form"].fields["register"].choices[0][0]
    source = book.context["form"].fields["source"].choices[0][0]
    told = {"register": register, "reading_date": "2021-06-05", "value": "12a4", "source": source}
    answer = client.post(reverse("office:record_reading", args=[own_office.corrected_account]), told)
    assert said in answer.content.decode()


def test_the_check_finds_english(office) -> None:
    """The same page in English is full of what the check looks for."""
    client = office.sign_in("administrator")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    answer = client.get(reverse("office:dashboard"))
    assert {"Dashboard", "Accounts", "Waiting for you"} <= set(left_in_english(answer.content, "de"))
    assert left_in_english(b"<p>12 of it is overdue</p><p>12 davon</p>", "de") == ["12 of it is overdue"]


def test_dates_and_numbers_follow_the_language(office) -> None:
    client = office.sign_in("administrator")
    address = reverse("office:bill", args=[office.corrected_bill])
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    german = client.get(address).content.decode("utf-8")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    chinese = client.get(address).content.decode("utf-8")
    assert "Rechnung für Mai 2021" in german
    assert re.search(r"\d,\d{2}\s₽", german)
    assert "2021年5月账单" in chinese


def test_short_amounts_keep_their_groups_where_a_language_has_no_short_form() -> None:
    assert money_short_text(23413448, currency="RUB", language="de").replace("\xa0", " ") == "234.134 ₽"
    assert money_short_text(23413448, currency="RUB", language="en") == "₽234.1K"
    assert money_short_text(123456789000, currency="EUR", language="de").replace("\xa0", " ") == "1,2 Mrd. €"
