"""Reading values at the parse edge: text as people and files write it, to micro-units."""

import re

import polars as pl

from mains.engine.usage.frames import MICRO
from mains.kernel.errors import MainsError

_SPACES = "[ \u00a0\u202f]"
_SHAPE = re.compile(r"([0-9]+)(?:[.,]([0-9]*))?")

FAULTS = {
    "reading-empty": ("There is no reading.", "Enter the digits that the meter shows."),
    "reading-negative": (
        "A meter does not show a negative number.",
        "Enter the digits that the meter shows.",
    ),
    "reading-not-a-number": (
        "A reading has digits only, with at most one decimal point or comma.",
        "Enter the digits that the meter shows, for example 12345 or 12345.678.",
    ),
    "reading-too-many-digits": (
        "The number has more digits before the decimal point than this meter.",
        "Check the meter's serial number and enter the digits before the point or the red frame.",
    ),
    "reading-too-many-decimals": (
        "The number has more digits after the decimal point than this meter.",
        "Enter the digits as shown; a comma or a point means decimals, never thousands.",
    ),
}


class UnableToReadValue(MainsError):
    """The text is not a value that this register can show."""


def parse_reading_value(text: str, *, digits: int, decimals: int) -> int:
    """Return the value in micro-units of a register with `digits` whole digits and `decimals` (0 … 6)
    decimals.

    Spaces around and between digits are allowed, and a decimal point or comma; leading zeros, and zeros at
    the end of the decimals, do not count. Raises UnableToReadValue with one of the codes in FAULTS.
    """
    stripped = re.sub(_SPACES, "", text.strip())
    found = _SHAPE.fullmatch(stripped)
    if not stripped:
        raise _unable("reading-empty", text)
    if found is None:
        raise _unable(_shape_fault(stripped), text)
    whole, broken = found[1].lstrip("0"), (found[2] or "").rstrip("0")
    if len(whole) > digits:
        raise _unable("reading-too-many-digits", text)
    if len(broken) > decimals:
        raise _unable("reading-too-many-decimals", text)
    return int(whole or "0") * MICRO + int(broken.ljust(6, "0"))


def parse_reading_values(*, texts: pl.Series, digits: pl.Series, decimals: pl.Series) -> pl.DataFrame:
    """Parse many texts by the rule of `parse_reading_value`; nothing is raised.

    Returns one row per text: value_micro (Int64, null where faulty) and code (String, null where right).
    """
    frame = pl.DataFrame({"text": texts, "digits": digits, "decimals": decimals})
    stripped = pl.col("text").fill_null("").str.strip_chars().str.replace_all(_SPACES, "")
    frame = frame.with_columns(stripped=stripped).with_columns(
        whole=pl.col("stripped").str.extract(r"^([0-9]+)(?:[.,][0-9]*)?$").str.strip_chars_start("0"),
        broken=pl.col("stripped").str.extract(r"^[0-9]+[.,]([0-9]*)$").fill_null("").str.strip_chars_end("0"),
    )
    code = (
        pl.when(pl.col("stripped") == "")
        .then(pl.lit("reading-empty"))
        .when(pl.col("whole").is_null() & pl.col("stripped").str.contains(r"^[-−][0-9]+(?:[.,][0-9]*)?$"))
        .then(pl.lit("reading-negative"))
        .when(pl.col("whole").is_null())
        .then(pl.lit("reading-not-a-number"))
        .when(pl.col("whole").str.len_chars() > pl.col("digits"))
        .then(pl.lit("reading-too-many-digits"))
        .when(pl.col("broken").str.len_chars() > pl.col("decimals"))
        .then(pl.lit("reading-too-many-decimals"))
    )
    joined = pl.col("whole") + pl.col("broken").str.pad_end(6, "0")
    return frame.with_columns(code=code).select(
        value_micro=pl.when(pl.col("code").is_null()).then(joined).cast(pl.Int64, strict=False),
        code="code",
    )


def _shape_fault(stripped: str) -> str:
    negative = stripped[0] in "-−" and _SHAPE.fullmatch(stripped[1:]) is not None
    return "reading-negative" if negative else "reading-not-a-number"


def _unable(code: str, text: str) -> UnableToReadValue:
    message, remedy = FAULTS[code]
    return UnableToReadValue(
        code=code, message=message, place=f"{text!r}", remedy=remedy, params={"text": text}
    )
