"""Numbers by which tax offices know people and firms, checked by their own check digits."""

import re
from collections.abc import Callable, Sequence

from mains.kernel.errors import MainsError


class UnableToAcceptTaxNumber(MainsError):
    """The number cannot be a tax number of that country."""


def checked_tax_number(text: str, *, country: str) -> str:
    """The number without spaces, as it is kept. Raises UnableToAcceptTaxNumber.

    `country` is ru (INN, 10 or 12 digits: order of the Federal Tax Service of 29.06.2012 N MMV-7-6/435), tr (VKN of
    10 or T.C. identity number of 11 digits) or ng (TIN of the FIRS, 8 digits and the branch; it has no check digit).
    """
    number = text.replace(" ", "")
    if country not in _CHECKS:
        raise _unable(text, "tax-country", f"Tax numbers of {country or 'no country'} cannot be checked.")
    shape, is_valid, words = _CHECKS[country]
    if not re.fullmatch(shape, number, re.ASCII):
        raise _unable(text, "tax-number-shape", words)
    if not is_valid([int(character) for character in number if character.isdigit()]):
        raise _unable(text, "tax-number-check-digit", "The check digit does not fit the other digits.")
    return number


def _weighed(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False)) % 11 % 10


def _is_inn(digits: Sequence[int]) -> bool:
    if len(digits) == 10:
        return _weighed(digits, (2, 4, 10, 3, 5, 9, 4, 6, 8)) == digits[9]
    first = _weighed(digits, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
    second = _weighed(digits, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
    return (first, second) == (digits[10], digits[11])


def _is_turkish(digits: Sequence[int]) -> bool:
    if len(digits) == 11:
        tenth = (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10
        return digits[0] != 0 and (tenth, sum(digits[:10]) % 10) == (digits[9], digits[10])
    total = 0
    for position, digit in enumerate(digits[:9]):
        shifted = (digit + 9 - position) % 10
        total += (shifted * 2 ** (9 - position) % 9 or 9) if shifted else 0
    return -total % 10 == digits[9]


_CHECKS: dict[str, tuple[str, Callable[[Sequence[int]], bool], str]] = {
    "ru": (r"[0-9]{10}|[0-9]{12}", _is_inn, "An INN has 10 digits (firms) or 12 (people)."),
    "tr": (r"[0-9]{10}|[0-9]{11}", _is_turkish, "A VKN has 10 digits, a T.C. identity number 11."),
    "ng": (r"[0-9]{8}-[0-9]{4}", lambda _digits: True, "A TIN has 8 digits, a hyphen and 4 digits."),
}


def _unable(text: str, code: str, message: str) -> UnableToAcceptTaxNumber:
    return UnableToAcceptTaxNumber(
        code=code,
        message=message,
        place=text,
        remedy="Copy the number from the document again.",
        params={"field": "tax_number"},
    )
