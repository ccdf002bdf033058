"""Words of the billing context."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from math import ceil

import polars as pl
from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.kernel.errors import MainsError
from mains.kernel.identifiers import BUCKET_COUNT, check_digit

ACCOUNTS_PER_SLICE = 25_000
CATCH_UP_MONTHS = 3
"""What was never billed is caught up so many months before the month billed; what was billed is corrected however
long ago it was."""
COMMON_USE = "common_use"
"""The quantity by which a tariff reads what a service point was given of the remainders of the nodes above it."""

FED_IN = "export"
"""The quantity by which a tariff reads what a service point fed into the network."""

FLAG_WORDS = {"yes": True, "no": False}
"""How a condition of supply tells an attribute of yes or no."""

_SLICES_TOGETHER = 4
_SAMPLE_ACCOUNTS = 8_000
_NUMBER = re.compile(r"(\d{2})(0[1-9]|1[0-2])-?(\d{1,18})(\d)", re.ASCII)


class RunStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    POSTING = "posting", _("Posting")
    POSTED = "posted", _("Posted")


class RunKind(models.TextChoices):
    """A month's bills of a cycle, corrections of billed months in between, what an account that moves out owes, or what
    an account owes up to the day on which an officer stands at the door."""

    MONTHLY = "monthly", _("Monthly")
    RECALCULATION = "recalculation", _("Recalculation")
    SETTLEMENT = "settlement", _("Final settlement")
    ON_SITE = "on_site", _("On-site bill")


class LookOutcome(models.TextChoices):
    """What came of a look for accounts that late facts touch."""

    NOTHING = "nothing", _("Nothing to correct")
    POSTED = "posted", _("Corrected")
    WAITS = "waits", _("Waits for a person")
    HELD = "held", _("Another run comes first")
    FAILED = "failed", _("Failed")


class WhatIfStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


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
    """The passes of a run in their order, each over all buckets: of service points, of nodes, of accounts."""

    USAGE = "usage", _("Daily use")
    BALANCE = "balance", _("Balances")
    BILLS = "bills", _("Bills")


class ExceptionCode(models.TextChoices):
    """Exceptions that billing itself finds; those of the rating and usage engines keep the engines' codes."""

    NO_TARIFF = "no-tariff-edition", _("No tariff edition")
    NO_USAGE = "no-usage", _("No daily use")
    ZERO_USE = "zero-use", _("No use for months")
    HIGH_USE = "high-use", _("Very high use")
    AGREEMENT_GAP = "agreement-gap", _("Nobody pays")
    NO_FORECAST = "no-forecast", _("Nothing tells of the use")
    OPENING_MISSING = "opening-balance-missing", _("No opening balance")
    BALANCE_UNCLAIMED = "balance-unclaimed", _("Balance without a follower")


class UnableToReadBillNumber(MainsError):
    """The text is not a bill number, or its check digit is wrong."""


@dataclass(frozen=True, kw_only=True)
class PostedBills:
    """The bills that one earlier run posted for the accounts of a slice: its month and its range of bill ids."""

    month: date
    bill_ids: range


@dataclass(frozen=True, kw_only=True, eq=False)
class RunSlice:
    """What is computed and written in one transaction, marked done under its `buckets`.

    In a monthly run these are contiguous buckets of accounts, and `first_position` is the position of the first
    account. In a recalculation `account_ids` and `service_point_ids` name what to work on, `first_position` is the
    position of the first account named, and the bucket is the number of the slice. `posted` are the last monthly runs,
    whose bills lie in ranges of ids. Without `has_shares` no node above the accounts' service points ever shared its
    remainder, so that nothing is looked for.
    """

    buckets: range
    first_position: int
    posted: tuple[PostedBills, ...]
    account_ids: pl.Series | None = None
    service_point_ids: pl.Series | None = None
    has_shares: bool = True

    @property
    def read_buckets(self) -> range:
        """The buckets whose rows belong to the slice; none where the rows are named."""
        return self.buckets if self.account_ids is None else range(0)


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What all slices of a run share; with the slice it decides every row that is written.

    `billed_months` are the earlier months that this run corrects, `usage_months` those whose daily use it keeps up
    to date, both oldest first; months before `catch_up_from` only as far as something is kept about them. Facts
    recorded in (known_since, facts_as_of] are new to bills, in (usage_known_since, facts_as_of] to daily use.
    `owing_run_ids` are the runs since the last monthly one, whose blocked accounts are owed a bill. Averages of classes
    come from `samples`: each month's buckets and instant. Of the run's own month a part is billed by final settlements
    to the accounts `settled_account_ids`; in the plan of a settlement its own account is among them, and a
    recalculation corrects what they were billed. `billed_through` is the last day that an on-site bill covers.
    `comes_after_single_runs`: since the last run of all there were runs
    of single accounts, and what they knew may have been taken back.
    """

    run_id: int
    kind: RunKind
    month: date
    cycle: str
    facts_as_of: datetime
    known_since: datetime
    usage_known_since: datetime
    billed_months: tuple[date, ...]
    usage_months: tuple[date, ...]
    catch_up_from: date
    owing_run_ids: tuple[int, ...]
    samples: tuple[tuple[date, range, datetime], ...]
    business_date: date
    issued_on: date
    due_on: date
    first_bill_id: int
    first_entry_id: int
    entries_per_account: int
    first_transaction_id: int
    last_account_id: int
    settled_account_ids: tuple[int, ...] = ()
    comes_after_single_runs: bool = False
    billed_through: date | None = None

    @property
    def bills_own_month(self) -> bool:
        """Whether the run bills its month to everybody, or corrects earlier ones only."""
        return self.kind == RunKind.MONTHLY

    @property
    def settles(self) -> bool:
        """Whether the run bills its month only to accounts that have moved out, for what they pay for no more."""
        return not self.bills_own_month and bool(self.settled_account_ids)

    @property
    def goes_on(self) -> bool:
        """Whether the run bills a part of its month to an account that goes on paying for its supplies."""
        return self.kind == RunKind.ON_SITE and self.settles


def count_sample_buckets(accounts: int) -> int:
    """How many buckets hold the sample of accounts from which averages of classes are taken."""
    return min(BUCKET_COUNT, ceil(BUCKET_COUNT * _SAMPLE_ACCOUNTS / max(1, accounts)))


def count_slices(accounts: int, *, accounts_per_slice: int = ACCOUNTS_PER_SLICE) -> int:
    """Into how many slices a run over so many accounts is cut: into fours if there are more than four, so that the
    workers of two or four cores end together."""
    count = max(1, ceil(accounts / accounts_per_slice))
    return min(
        BUCKET_COUNT,
        count if count <= _SLICES_TOGETHER else ceil(count / _SLICES_TOGETHER) * _SLICES_TOGETHER,
    )


def slice_buckets(count: int) -> tuple[range, ...]:
    """`count` contiguous ranges of buckets, as equal as can be."""
    return split_evenly(BUCKET_COUNT, count)


def split_evenly(total: int, count: int) -> tuple[range, ...]:
    """`count` contiguous ranges over 0 … `total` - 1, as equal as can be."""
    edges = [total * number // count for number in range(count + 1)]
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
