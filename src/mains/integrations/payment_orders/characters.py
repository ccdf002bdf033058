"""The letters that SEPA banks pass on (EPC217-08): Latin without accents, digits and a few signs."""

import unicodedata

_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
_WRITTEN_OUT = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L",
    "œ": "oe", "Œ": "OE",
    "þ": "th", "Þ": "TH", "ı": "i", "€": "E", "&": "+", "_": "-", "–": "-", "—": "-", "’": "'", "№": "No", "@": "(at)",
}  # fmt: skip


def sepa_text(text: str) -> str:
    """The text in SEPA's letters, as EPC217-08 recommends: accents off, other signs a full stop; no blanks around."""
    plain = "".join(_WRITTEN_OUT.get(letter, letter) for letter in unicodedata.normalize("NFC", text))
    plain = unicodedata.normalize("NFKD", plain)
    letters = (letter if letter in _ALLOWED else "." for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(letters).split())


def is_sepa_identifier(text: str) -> bool:
    """Whether it can be an identifier: SEPA's letters, no slash at an end and no two in a row."""
    return (
        bool(text)
        and all(letter in _ALLOWED for letter in text)
        and not (text.startswith("/") or text.endswith("/") or "//" in text)
        and text == text.strip()
    )
