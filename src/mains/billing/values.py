"""Words of the billing context."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from math import ceil

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT, check_digit

ACCOUNTS_PER_SLICE = 25_000
LOOKBACK_MONTHS = 3
"""Facts that come later change at most this many months before the month billed."""

_SAMPLE_ACCOUNTS = 8_000
_NUMBER = re.compile(r"(\d{2})(0[1-9]|1[0-2])-?(\d{1,18})(\d)", re.ASCII)


class RunStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    POSTING = "posting", _("Posting")
    POSTED = "posted", _("Posted")


class LineKind(models.TextChoices):
    """What a bill line is; included tax is shown but adds nothing."""

    CHARGE = "charge", _("Charge")
    TAX = "tax", _("Tax")
    SUBSIDY = "subsidy", _("Subsidy")
    TAX_INCLUDED = "tax_included", _("Tax included")
    ROUNDING = "rounding", _("Rounding")


POSTED_LINE_KINDS = (LineKind.CHARGE, LineKind.TAX, LineKind.SUBSIDY, LineKind.ROUNDING)
"""The kinds that add up to what a bill asks for."""


class Stage(models.TextChoices):
    """The two passes of a run, each over all buckets."""

    USAGE = "usage", _("Daily use")
    BILLS = "bills", _("Bills")


class ExceptionCode(models.TextChoices):
    """Exceptions that billing itself finds; those of the rating and usage engines keep the engines' codes."""

    NO_TARIFF = "no-tariff-edition", _("No tariff edition")
    NO_USAGE = "no-usage", _("No daily use")
    ZERO_USE = "zero-use", _("No use for months")
    HIGH_USE = "high-use", _("Very high use")
    AGREEMENT_GAP = "agreement-gap", _("Nobody pays")


class UnableToReadBillNumber(MainsError):
    """The text is not a bill number, or its check digit is wrong."""


@dataclass(frozen=True, kw_only=True)
class PostedBills:
    """The bills that one earlier run posted for the accounts of a slice: its month and its range of bill ids."""

    month: date
    bill_ids: range


@dataclass(frozen=True, kw_only=True)
class RunSlice:
    """Contiguous buckets that are computed and written in one transaction.

    `first_position` is the position of the first account of the first bucket.
    """

    buckets: range
    first_position: int
    posted: tuple[PostedBills, ...]


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What all slices of a run share; with the slice it decides every row that is written.

    `billed_months` are the earlier months that this run recalculates, `usage_months` those whose daily use it keeps up
    to date. Facts recorded in (known_since, facts_as_of] are new to bills, in (usage_known_since, facts_as_of] to daily
    use. Averages of classes come from the first `sample_buckets`.
    """

    run_id: int
    month: date
    cycle: str
    facts_as_of: datetime
    known_since: datetime
    usage_known_since: datetime
    billed_months: tuple[date, ...]
    usage_months: tuple[date, ...]
    issued_on: date
    due_on: date
    first_bill_id: int
    first_entry_id: int
    entries_per_account: int
    first_transaction_id: int
    last_account_id: int
    sample_buckets: int


def count_sample_buckets(accounts: int) -> int:
    """How many buckets hold the sample of accounts from which averages of classes are taken."""
    return min(BUCKET_COUNT, ceil(BUCKET_COUNT * _SAMPLE_ACCOUNTS / max(1, accounts)))


def count_slices(accounts: int, *, accounts_per_slice: int = ACCOUNTS_PER_SLICE) -> int:
    """Into how many slices a run over so many accounts is cut."""
    return min(BUCKET_COUNT, max(1, ceil(accounts / accounts_per_slice)))


def slice_buckets(count: int) -> tuple[range, ...]:
    """`count` contiguous ranges of buckets, as equal as can be."""
    edges = [BUCKET_COUNT * number // count for number in range(count + 1)]
    return tuple(range(first, following) for first, following in pairwise(edges))


def bill_number(month: date, bill_id: int) -> str:
    """The number people read: year and month of the bill, its id, and a check digit over both: `2103-1204876`."""
    digits = f"{month:%y%m}{bill_id}"
    return f"{month:%y%m}-{bill_id}{check_digit(digits)}"


def parse_bill_number(text: str) -> tuple[date, int]:
    """Month and id of a bill number, with or without the hyphen. Raises UnableToReadBillNumber."""
    match = _NUMBER.fullmatch(text.strip().replace(" ", ""))
    if match is None or check_digit(match[1] + match[2] + match[3]) != match[4]:
        raise UnableToReadBillNumber(
            code="bill-number",
            message=f"{text!r} is not a bill number.",
            remedy="It has year and month, a hyphen and digits, such as 2103-1204876; compare it with the bill.",
            params={"text": text},
        )
    return date(2000 + int(match[1]), int(match[2]), 1), int(match[3])
