"""Messages of the packages below Django in the reader's language.

Engine, kernel and the actions speak plain English, and what they say is also stored: a held reading, an exception
of a bill run. So a message is recognised by its pattern, its values are taken out, dates and figures among them are
written as the reader writes them, and the translated pattern is filled again. A message that is not listed here
stays as it is.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from mains.base.formats import babel_locale, date_text
from mains.base.known_messages import FORMULA_WORDS, MESSAGES
from mains.kernel.errors import MainsError

FIGURES = frozenset({"average", "limit", "other_value", "step", "use", "value"})
"""Placeholders that hold a figure of a register, a quantity or a limit; other numbers are counts or names."""

WORDS = (
    _("accepted"),
    _("refused"),
    _("withdrawn"),
    _("waiting for acceptance"),
    _("half up"),
    _("half even"),
    _("half down"),
    _("up"),
    _("down"),
    _("ceiling"),
    _("floor"),
)
"""Words that stand as values inside messages."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SENTENCE_END = re.compile(r"(?<=[.?]) (?=[A-Z“`])")


def translate_message(text: str) -> str:
    """A message of the packages below, in the active language; what is not known stays as it is."""
    return _translated(text, MESSAGES)


def translate_formula_text(text: str) -> str:
    """A label, formula or rounding step of an explanation; identifiers and expressions stay as they are."""
    return _translated(text, FORMULA_WORDS)


def error_text(error: MainsError) -> str:
    """What is wrong and what to do, in the active language. The place is left out: the page is the place."""
    return sentences(translate_message(error.message), translate_message(error.remedy))


def sentences(*parts: str) -> str:
    """Sentences one after the other; full-width punctuation brings its own space."""
    text = " ".join(part for part in parts if part)
    return re.sub(r"(?<=[。！？]) ", "", text)


def _translated(text: str, known: tuple[str, ...]) -> str:
    """The text as one message, else as several one after the other, else as it is."""
    return _sequence(text, known) or text


def _sequence(text: str, known: tuple[str, ...]) -> str:
    """The messages that the text is made of, translated; empty when any part of it is none."""
    if whole := _one(text, known):
        return whole
    for end in _SENTENCE_END.finditer(text):
        if (message := _one(text[: end.start()], known)) and (rest := _sequence(text[end.end() :], known)):
            return sentences(message, rest)
    return _one(text, known, may_hold_sentences=True)


def _one(text: str, known: tuple[str, ...], *, may_hold_sentences: bool = False) -> str:
    """The translated message; empty when the text is none of the known ones.

    A value in it that goes over the end of a sentence ("J. Smith", or the next message) counts only with
    `may_hold_sentences`.
    """
    if text in known:
        return gettext(text)
    for pattern, message in _patterns(known):
        if match := pattern.fullmatch(text):
            if not may_hold_sentences and any(map(_SENTENCE_END.search, match.groups())):
                continue
            values = {name: _value(name, value) for name, value in match.groupdict().items()}
            # A date may end in a point of its own ("2021 г."), and then the sentence needs none.
            return gettext(message).format(**values).replace("..", ".")
    return ""


@cache
def _patterns(known: tuple[str, ...]) -> Sequence[tuple[re.Pattern[str], str]]:
    """Patterns of the messages with placeholders, those with the most text first: they say more."""
    filled = [message for message in known if _PLACEHOLDER.search(message)]
    filled.sort(key=lambda message: len(_PLACEHOLDER.sub("", message)), reverse=True)
    return [(_pattern(message), message) for message in filled]


def _pattern(message: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(message)
    texts = [re.escape(_plain(part)) if place % 2 == 0 else _group(part) for place, part in enumerate(parts)]
    return re.compile("".join(texts), re.DOTALL)


def _plain(part: str) -> str:
    """Text between placeholders as it is said: braces that mean themselves are doubled, as in format strings."""
    return part.replace("{{", "{").replace("}}", "}")


def _group(name: str) -> str:
    if name in FIGURES:
        shape = rf"{_FIGURE.pattern}…?"
    elif name.endswith("_date"):
        shape = _DATE.pattern
    elif name.endswith("_words"):
        # Names, amounts with their currency: never the rest of another sentence.
        shape = r"\S+(?: (?:or )?\S+)?"
    else:
        shape = ".+?"
    return f"(?P<{name}>{shape})"


def _value(name: str, value: str) -> str:
    language = get_language() or "en"
    if _DATE.fullmatch(value):
        return date_text(date.fromisoformat(value), language=language)
    if name in FIGURES and _FIGURE.fullmatch(value):
        return _figure(value, language=language)
    word = value.replace("_", " ")
    return gettext(word) if word in WORDS else value


def _figure(value: str, *, language: str) -> str:
    """All digits of a plain decimal figure with the signs of the language."""
    whole, _point, decimals = f"{Decimal(value):,f}".partition(".")
    symbols = babel_locale(language).number_symbols["latn"]
    whole = whole.replace(",", symbols["group"]).replace("-", "\N{MINUS SIGN}")
    return whole + symbols["decimal"] + decimals if decimals else whole
