"""Numbers that people type and machines spread: check digits and buckets."""

BUCKET_COUNT = 1024
_MULTIPLIER = 2_654_435_761
_LOW_31 = 0x7FFF_FFFF
_LOW_32 = 0xFFFF_FFFF
_SHIFT = 22

_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def bucket_of(identifier: int) -> int:
    """The bucket, 0 … 1,023, of a row id: the unit of bulk work.

    Fibonacci hashing (D. E. Knuth, The Art of Computer Programming 3, 6.4): the low 31 bits times 2^32 /
    golden ratio; the top ten of the product's low 32 bits count. No step leaves 63 bits, so that BIGINT
    columns of the database and Int64 columns of frames compute the same (`mains.base.buckets`).
    """
    if not 0 <= identifier < 2**63:
        raise ValueError(f"Identifiers are whole numbers of 63 bits, not {identifier}.")
    return ((identifier & _LOW_31) * _MULTIPLIER & _LOW_32) >> _SHIFT


def check_digit(digits: str) -> str:
    """The Damm check digit of a run of digits (H. M. Damm, Total anti-symmetrische Quasigruppen, 2004).

    It reveals every single wrong digit and every swap of two neighbours. Raises ValueError for anything but
    digits.
    """
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"Only digits have a check digit, not {digits!r}.")
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return str(interim)


def with_check_digit(digits: str) -> str:
    """The digits followed by their check digit."""
    return digits + check_digit(digits)


def has_valid_check_digit(number: str) -> bool:
    """Whether `number` is digits of which the last is the check digit of the others."""
    return len(number) > 1 and number.isascii() and number.isdigit() and check_digit(number) == "0"
