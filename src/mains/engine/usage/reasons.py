"""Why a reading is accepted, queued, refused or set aside: codes, messages and remedies in plain English."""

from collections.abc import Mapping
from decimal import Decimal

from mains.engine.usage.frames import MICRO

ACCEPT, QUEUE, REFUSE = "accept", "queue", "refuse"

# code: decision, message and remedy; braces are filled with the row's values.
REASONS: dict[str, tuple[str, str, str]] = {
    "accepted": (ACCEPT, "The reading fits the ones before and after it.", ""),
    "unknown-register": (REFUSE, "No such register is known.", "Check the meter's serial number and zone."),
    "future-reading": (
        REFUSE,
        "The reading is dated {reading_date}, later than {as_of_date}.",
        "Correct the date.",
    ),
    "beyond-digits": (
        REFUSE,
        "The meter cannot show {value}: it has {digits} whole digits.",
        "Check the digits and the meter's serial number.",
    ),
    "before-installation": (
        REFUSE,
        "The meter was not yet installed on {reading_date}.",
        "Correct the date, or record the installation first.",
    ),
    "removed-meter": (
        REFUSE,
        "The meter was no longer installed on {reading_date}.",
        "Read the meter that is installed now, or correct the date.",
    ),
    "duplicate": (
        REFUSE,
        "This reading of {reading_date} is known already.",
        "Nothing needs to be done.",
    ),
    "differs-same-day": (
        QUEUE,
        "Another reading of {reading_date} says {other_value}, this one {value}.",
        "Look at the evidence of both and keep one.",
    ),
    "rollover-possible": (
        QUEUE,
        "{value} is lower than {other_value} of {other_date}; the register may have rolled over.",
        "Confirm the rollover, or correct the value.",
    ),
    "lower-than-last": (
        QUEUE,
        "{value} is lower than {other_value} of {other_date}.",
        "Read the meter again; if the earlier reading is wrong, set that one aside.",
    ),
    "higher-than-next": (
        QUEUE,
        "{value} is higher than {other_value} of {other_date}.",
        "Read the meter again; if the later reading is wrong, set that one aside.",
    ),
    "far-above-usual": (
        QUEUE,
        "{use} since {other_date} is more than {times_usual} times the usual use.",
        "Check the digits and the decimal point; confirm if the use is real.",
    ),
}

# Codes of the engine's exceptions frame: message and remedy.
EXCEPTIONS: dict[str, tuple[str, str]] = {
    "lower-than-last": (
        "{value} of {reading_date} is lower than {other_value} before it.",
        "Read the meter again; if the earlier reading is wrong, set that one aside.",
    ),
    "higher-than-next": (
        "{value} of {reading_date} is higher than {other_value}, which a stronger source read later.",
        "Nothing needs to be done unless the later reading is wrong.",
    ),
    "rollover-assumed": (
        "{value} of {reading_date} is lower than {other_value} before it; a rollover was assumed.",
        "Confirm the rollover, or set one of the readings aside.",
    ),
    "beyond-digits": (
        "The meter cannot show {value}, read on {reading_date}.",
        "Check the digits of the register and the reading.",
    ),
    "future-reading": ("The reading of {reading_date} lies in the future.", "Correct the date."),
    "outside-installation": (
        "The meter was installed nowhere on {reading_date}.",
        "Correct the date of the reading or of the installation.",
    ),
    "unknown-register": ("The reading of {reading_date} names an unknown register.", "Correct the register."),
    "use-too-large": (
        "Between {other_value} and {value} of {reading_date} lie more than 10^11 units.",
        "Check both readings, the digits and the multiplier.",
    ),
}


def describe_exception(row: Mapping[str, object]) -> tuple[str, str]:
    """Message and remedy for one row of the engine's exceptions frame."""
    message, remedy = EXCEPTIONS[str(row["code"])]
    words = {
        "value": figure(row["value_micro"]),
        "other_value": figure(row["other_value_micro"]),
        "reading_date": row["reading_date"],
    }
    return message.format(**words), remedy


def figure(value_micro: object) -> str:
    """Micro-units as a plain decimal figure; nothing for None."""
    if value_micro is None:
        return ""
    return f"{(Decimal(str(value_micro)) / MICRO).normalize():f}"
