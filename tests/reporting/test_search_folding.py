"""One token for a word, however it is typed."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mains.base.folding import fold_text, fold_word, split_words, swap_layout
from mains.reporting.actions.search import tokens_of


@pytest.mark.parametrize(
    "spellings",
    [
        ("Щербаков", "щербаков", "Shcherbakov", "SHCHERBAKOV"),
        ("Хабибуллин", "Khabibullin", "Habibullin"),
        ("Ёлкина", "Елкина", "Elkina"),
        ("Николай", "Nikolay", "Nikolai"),
        ("Дмитриев", "Dmitriyev", "Dmitriev"),
        ("Мария", "Mariya", "Maria"),
        ("Юлия", "Yuliya", "Iuliia"),
        ("İSTANBUL", "istanbul", "ISTANBUL", "ıstanbul"),
        ("Straße", "STRASSE", "strasse"),
        ("Ọlábísí", "Olabisi", "OLABISI"),
        ("Müller", "Muller"),
        ("Łukasz", "Lukasz"),
    ],
)
def test_spellings_of_one_word_meet(spellings) -> None:
    assert len({fold_word(word) for word in spellings}) == 1


@pytest.mark.parametrize(
    "pair", [("Иванов", "Петров"), ("Ленина", "Лесная"), ("Мира", "Мурат"), ("12", "21")]
)
def test_different_words_stay_different(pair) -> None:
    assert fold_word(pair[0]) != fold_word(pair[1])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("ул. Ленина, д. 12/3, кв. 5", ["lenina", "12", "3", "5"]),
        ("Lenina street 5", ["lenina", "5"]),
        ("улица", ["ulitsa"]),
        ("  ", []),
        ("EM-1203", ["em", "1203"]),
    ],
)
def test_a_query_is_split_into_telling_words(text, tokens) -> None:
    assert fold_text(text) == tokens


@pytest.mark.parametrize(("typed", "meant"), [("bdfyjd", "иванов"), ("Ktybyf", "Ленина"), ("руддщ", "hello")])
def test_the_wrong_keyboard_layout_is_turned_round(typed, meant) -> None:
    assert swap_layout(typed) == meant


# What people write: Rust and Python differ on exotic numerals (category No), such as counting rods.
WRITTEN = st.characters(codec="utf-8", categories=("L", "M", "Nd", "P", "S", "Zs"))


@example("0🅰0")
@given(st.text(alphabet=WRITTEN, max_size=40))
def test_the_index_and_the_query_split_and_fold_alike(text) -> None:
    source = pl.DataFrame(
        {
            "account_id": [1],
            "organisation_id": [2],
            "number": ["7"],
            "name": [text],
            **{name: [None] for name in ("phone", "city", "street", "house", "flat", "serial")},
        },
        schema_overrides=dict.fromkeys(("phone", "city", "street", "house", "flat", "serial"), pl.String),
    )
    stored = set(tokens_of(source).filter(pl.col("kind") == "d")["token"])
    assert {fold_word(word) for word in split_words(text)} - {"7", ""} == stored - {"7"}


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text) -> None:
    once = fold_word(text)
    assert fold_word(once) == once
