"""Messages of the packages below Django: all known, all said somewhere, and shown as the reader writes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

import mains
from mains.base import (
    known_case_messages,
    known_desk_messages,
    known_engine_messages,
    known_fact_messages,
    known_formula_messages,
    known_interval_messages,
    known_invoice_messages,
    known_messages,
    known_online_messages,
    known_rate_messages,
    known_settlement_messages,
    known_tariff_messages,
)
from mains.base.known_messages import FORMULA_WORDS, MESSAGES
from mains.base.wording import error_text, translate_formula_text, translate_message
from mains.engine.usage.reasons import EXCEPTIONS, REASONS
from mains.engine.usage.values import FAULTS
from mains.kernel.errors import MainsError

SOURCES = Path(mains.__file__).parent
LISTS = (
    known_messages,
    known_case_messages,
    known_desk_messages,
    known_engine_messages,
    known_fact_messages,
    known_formula_messages,
    known_interval_messages,
    known_rate_messages,
    known_online_messages,
    known_settlement_messages,
    known_invoice_messages,
    known_tariff_messages,
)
OWN = {Path(module.__file__) for module in LISTS}


def _shape(text: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", text)


def _message_shape(text: str) -> str:
    """Of a known message, in which braces that mean themselves are doubled."""
    return _shape(text).replace("{{", "{").replace("}}", "}")


def _texts_of(path: Path) -> Iterator[str]:
    """Every string of a file but docstrings, in its shape; what an f-string computes is one pair of braces."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    within = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (
                _shape(str(part.value)) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
            yield "".join(parts).strip()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within | docs:
            yield _shape(node.value).strip()


def _said() -> Iterator[str]:
    for path in SOURCES.rglob("*.py"):
        if path not in OWN:
            yield from _texts_of(path)


EDITOR = (
    "engine/language",
    "engine/tariff",
    "engine/case",
    "engine/exact",
    "engine/intervals/exact",
    "engine/interest",
    "engine/purchase/exact.py",
    "metering/actions/interval_files.py",
    "metering/actions/interval_lines.py",
    "tariffs/actions/hourly_prices.py",
)
"""Where the messages of the tariff editor and of `mains rate` are made, and those of files of intervals and prices:
documents, formulas, rules of interest, rates of the URDB, and cases tried on them."""

COMPOSED = {
    "Tariff {} is refused{}.",  # the faults follow, each by itself
    "And {} more.",
    "A rate of the URDB does not say by which clock its hours are told.",
    "Write time_zone: America/Denver, or UTC for years without summer time.",
    "A tape holds for its own example.",
    "A payment is above zero; a reversal is taken out of the payments.",
    "The last exchange arrives at the amount to be explained.",
}
"""Put together of known ones, for programmers, or for `mains rate` alone."""


def test_what_the_tariff_editor_says_is_known() -> None:
    known = {_message_shape(text) for text in (*MESSAGES, *FORMULA_WORDS)} | COMPOSED
    paths = [
        path for place in EDITOR for path in (sorted((SOURCES / place).rglob("*.py")) or [SOURCES / place])
    ]
    said = {
        text
        for path in paths
        for text in _texts_of(path)
        if re.match(r"[A-Z“`{]", text) and re.search(r"[.?]$", text) and " " in text
    }
    assert len(said) > 250
    assert sorted(said - known) == []


def test_what_judges_of_readings_say_is_known() -> None:
    texts = [text for _decision, *words in REASONS.values() for text in words]
    texts += [text for words in (*EXCEPTIONS.values(), *FAULTS.values()) for text in words]
    assert [text for text in texts if text and text not in MESSAGES] == []


def test_known_messages_are_said_somewhere() -> None:
    said = set(_said())
    # A rounding step and a source are put together from parts: only their beginnings stand in one string.
    composed = {
        "component {name}, before rounding",
        "reading {id}, {told}",
        "tariff {code}, {first} – {end} (excluded)",
    }
    gone = [
        text
        for text in (*MESSAGES, *FORMULA_WORDS)
        if _message_shape(text) not in said and text not in composed
    ]
    assert gone == []


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        (
            "de",
            "12345.678 is lower than 12350 of 2021-05-03.",
            "12.345,678 ist niedriger als 12.350 vom 03.05.2021.",
        ),
        ("ru", "12 is higher than 11.5 of 2021-05-03.", "12 больше, чем 11,5 от 3 мая 2021\u202fг."),
        (
            "de",
            "There is no reading. Enter the digits that the meter shows.",
            "Es fehlt ein Zählerstand. Geben Sie die Ziffern ein, die der Zähler anzeigt.",
        ),
        (
            "zh-hans",
            "There is no reading. Enter the digits that the meter shows.",
            "没有读数。请输入计量表显示的数字。",
        ),
        ("de", "It was withdrawn already.", "Schon entschieden: zurückgezogen."),
        ("ru", "Somebody said something else.", "Somebody said something else."),
        ("en", "12345 is lower than 12350 of 2021-05-03.", "12,345 is lower than 12,350 of 3 May 2021."),
    ],
)
def test_a_stored_message_is_shown_in_the_readers_language(language: str, text: str, shown: str) -> None:
    with translation.override(language):
        assert translate_message(text).replace("\xa0", "\u202f") == shown


def test_rounding_and_days_of_a_formula_are_shown_in_words() -> None:
    with translation.override("de"):
        assert translate_formula_text("to 0.01, half_up") == "auf 0,01, kaufmännisch"
        assert translate_formula_text("usage * price") == "usage * price"


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    error = MainsError(
        code="x", message="There is no such account.", remedy="Nothing was changed.", place="a"
    )
    with translation.override("fr"):
        assert error_text(error) == "Ce compte n’existe pas. Rien n’a été modifié."


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        (
            "de",
            "“enery” is not known here. Did you mean “energy”? Known names: energy, standing.",
            "„enery“ ist hier nicht bekannt. Meinten Sie „energy“? Bekannte Namen: energy, standing.",
        ),
        (
            "ru",
            "The formula divides by zero. Correct the divisor.",
            "Формула делит на ноль. Исправьте делитель.",
        ),
        (
            "de",
            "Nothing says what is left of the balance b. Add a component {name: b, kind: balance, formula: …}.",
            (
                "Nirgends steht, was vom Übertrag b bleibt."
                " Fügen Sie einen Bestandteil {name: b, kind: balance, formula: …} hinzu."
            ),
        ),
        (
            "zh-hans",
            "Two stretches tell the use of 2024-05-03. `to` is the first day after a stretch.",
            "有两段给出 2024年5月3日 的用量。`to` 是该段之后的第一天。",
        ),
        ("tr", "Write RUB.", "RUB yazın."),
        ("tr", "Write usage.day or usage.night.", "usage.day or usage.night yazın."),
        ("tr", "Write something that nobody knows yet.", "Write something that nobody knows yet."),
        (
            "fr",
            "Did you mean “night”? Somebody else says this.",
            "Did you mean “night”? Somebody else says this.",
        ),
    ],
)
def test_several_messages_in_a_row_are_all_translated_or_none(language, text, shown) -> None:
    with translation.override(language):
        assert translate_message(text) == shown
