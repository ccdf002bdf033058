"""Registry files: each line becomes one call of an action; every fault is collected, and any fault undoes all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import models, transaction

from mains.base.csv_files import Column, FileFault, read_csv
from mains.kernel.errors import MainsError

MICRO = 1_000_000


class _Wrong(ValueError):
    """A cell that is no value of its column: message and remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Field:
    """A column of a registry file and how its text becomes a value; an empty cell becomes `default`."""

    name: str
    parse: Callable[[str], Any] = str
    is_needed: bool = True
    default: Any = None


@dataclass(frozen=True, kw_only=True)
class StagedRows:
    """What became of a file: `is_stored` is false with any fault, and on a trial."""

    lines: int
    faults: list[FileFault]
    is_stored: bool


def import_rows(
    *,
    content: bytes,
    fields: Sequence[Field],
    write: Callable[[Mapping[str, Any]], object],
    is_trial: bool = False,
) -> StagedRows:
    """Call `write` with the values of each line, all in one transaction.

    A cell that is no value of its column and an error of `write` (its param `field` names the column) are faults of
    their line; the other lines are tried all the same. With a fault, or on a trial, nothing stays.
    """
    rows, faults = read_csv(content, columns=[Column(field.name, field.is_needed) for field in fields])
    lines = rows.height + len({fault.line for fault in faults if fault.line > 1})
    with transaction.atomic():
        for row in rows.iter_rows(named=True):
            values, wrong = _values(row, fields)
            faults.extend(wrong or _written(write, values, line=row["line"]))
        is_stored = not faults and not is_trial
        if not is_stored:
            transaction.set_rollback(True)
    return StagedRows(lines=lines, faults=sorted(faults, key=lambda fault: fault.line), is_stored=is_stored)


def choice(choices: type[models.TextChoices]) -> Callable[[str], str]:
    """One of the values of a list."""

    def parse(text: str) -> str:
        if text not in choices.values:
            raise _Wrong(f"{text} is not allowed here.", f"Allowed are: {', '.join(choices.values)}.")
        return text

    return parse


def day(text: str) -> date:
    """A day as 2024-02-29."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _Wrong(f"{text} is not a day of the calendar.", "Write the day as 2024-02-29.") from error


def whole(*, least: int, most: int) -> Callable[[str], int]:
    """A whole number within limits."""

    def parse(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and least <= int(text) <= most):
            raise _Wrong(f"{text} is not a whole number from {least} to {most}.", "Correct the number.")
        return int(text)

    return parse


def micro(text: str) -> int:
    """A number that is not negative, with at most six decimals, as micro-units."""
    found = signed_micro(text)
    if found < 0:
        raise _Wrong(f"{text} is below nought.", "Write it as 54.2.")
    return found


def signed_micro(text: str) -> int:
    """A number with at most six decimals, as micro-units."""
    try:
        scaled = Decimal(text.replace(",", ".")) * MICRO
    except InvalidOperation:
        scaled = Decimal("NaN")
    if not scaled.is_finite() or abs(scaled) >= 10**15 or scaled != int(scaled):
        raise _Wrong(f"{text} is not a number with at most six decimals.", "Write it as 54.2.")
    return int(scaled)


def hundredths(text: str) -> int:
    """A number with a sign and at most two decimals, as hundredths."""
    try:
        scaled = Decimal(text.replace(",", ".").replace("−", "-")) * 100
    except InvalidOperation:
        scaled = Decimal("0.5")
    if not scaled.is_finite() or abs(scaled) >= 10**9 or scaled != int(scaled):
        raise _Wrong(f"{text} is not a number with at most two decimals.", "Write it as -3.25.")
    return int(scaled)


def degrees(*, most: int) -> Callable[[str], float]:
    """A coordinate in degrees (WGS 84) from -most to most."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not -most <= value <= most:
            raise _Wrong(f"{text} is not a number of degrees from -{most} to {most}.", "Write it as 44.952.")
        return value

    return parse


def yes_or_no(text: str) -> bool:
    """`yes` or `no`."""
    if text not in ("yes", "no"):
        raise _Wrong(f"{text} is neither yes nor no.", "Write yes or no.")
    return text == "yes"


def reference(find: Callable[[str], Any], *, name: str) -> Callable[[str], Any]:
    """What `find` gives for the text; None there means that no such `name` exists. Each text is looked up once."""
    found: dict[str, Any] = {}

    def parse(text: str) -> Any:
        if text not in found:
            found[text] = find(text)
        if found[text] is None:
            raise _Wrong(f"There is no {name} {text}.", f"Correct it, or register the {name} first.")
        return found[text]

    return parse


def _values(row: Mapping[str, Any], fields: Sequence[Field]) -> tuple[dict[str, Any], list[FileFault]]:
    values: dict[str, Any] = {}
    faults = []
    for field in fields:
        text = row[field.name]
        try:
            values[field.name] = field.parse(text) if text else field.default
        except _Wrong as wrong:
            faults.append(
                FileFault(
                    line=row["line"],
                    field=field.name,
                    code="value-wrong",
                    message=wrong.message,
                    remedy=wrong.remedy,
                )
            )
    return values, faults


def _written(
    write: Callable[[Mapping[str, Any]], object], values: Mapping[str, Any], *, line: int
) -> list[FileFault]:
    try:
        with transaction.atomic():
            write(values)
    except MainsError as error:
        field = str(error.params.get("field", ""))
        return [
            FileFault(line=line, field=field, code=error.code, message=error.message, remedy=error.remedy)
        ]
    return []
