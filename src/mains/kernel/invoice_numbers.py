"""Numbers of invoices, which are payment references too: two letters, the invoice's id and a check digit."""

import re

from mains.kernel.identifiers import has_valid_check_digit, with_check_digit

_KINDS = {"collective": "CI", "shared": "SI", "advance": "AI", "period": "PI"}
_FIRST = 100_000
_SAID = re.compile(r"(?:(?<![A-Z0-9])|(?<=RF\d\d))([CSAP]I)[ -]?(\d{6,18})(?!\d)", re.ASCII)


def invoice_number(kind: str, invoice_id: int) -> str:
    """The number people read and pay by: `CI-1000017`. Kinds: collective, shared, advance, period.

    Letters keep it apart from the numbers of accounts and bills; no number is shorter than six digits.
    """
    return f"{_KINDS[kind]}-{with_check_digit(str(_FIRST + invoice_id))}"


def parse_invoice_number(text: str) -> tuple[str, int] | None:
    """Kind and id of a number, with or without the hyphen; None when it is none or a digit is wrong."""
    found = find_invoice_numbers(text)
    whole = _SAID.fullmatch(text.strip().upper())
    return found[0] if whole and len(found) == 1 else None


def find_invoice_numbers(text: str) -> list[tuple[str, int]]:
    """Kind and id of every invoice that a text names with a right check digit, each once."""
    kinds = {letters: kind for kind, letters in _KINDS.items()}
    found = [
        (kinds[letters], int(digits[:-1]) - _FIRST)
        for letters, digits in _SAID.findall(text.upper())
        if has_valid_check_digit(digits)
    ]
    return list(dict.fromkeys((kind, number) for kind, number in found if number > 0))
