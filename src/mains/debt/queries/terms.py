"""Terms of interest, limitation and provision as they hold, and the rules that the engine makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from mains.base.dated import known
from mains.debt.models import InterestTerms, KeyRate, LimitationTerms, ProvisionTerms
from mains.debt.values import Interruption
from mains.engine.interest import InterestRule, read_interest
from mains.ledger.values import Age

_BELIEVED = Q(superseded_at__isnull=True)


@dataclass(frozen=True, kw_only=True)
class TermsRecord:
    """A rule of interest for debts due in [valid_from, valid_to) of a service and category ("": all others)."""

    terms_id: int
    service: str
    category: str
    document: str
    rule: InterestRule
    key_rate: str
    valid_from: date
    valid_to: date | None
    proof: str


@dataclass(frozen=True, kw_only=True)
class RateRecord:
    """A published rate, percent."""

    rate_id: int
    code: str
    percent: Decimal
    valid_from: date
    valid_to: date | None
    proof: str


@dataclass(frozen=True, kw_only=True)
class LimitationRecord:
    """Years of limitation of debts due in [valid_from, valid_to) of a service ("": all others)."""

    limitation_id: int
    service: str
    years: int
    interruption: Interruption
    valid_from: date
    valid_to: date | None
    proof: str


@dataclass(frozen=True, kw_only=True)
class ProvisionRecord:
    """Percent of doubtful debts by age."""

    percents: Mapping[Age, Decimal]
    valid_from: date
    valid_to: date | None
    proof: str


def list_terms(*, as_of: datetime | None = None) -> list[TermsRecord]:
    """Terms of interest believed now, or at an instant, with the key rates known then."""
    rates = list_key_rates(as_of=as_of)
    found = InterestTerms.objects.filter(_held(as_of)).order_by("service", "category", "valid")
    return [
        TermsRecord(
            terms_id=one.pk,
            service=one.service,
            category=one.category,
            document=one.document,
            rule=read_interest(with_rates(one.document, rates, code=one.key_rate)),
            key_rate=one.key_rate,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found
    ]


def with_rates(document: str, rates: Sequence[RateRecord], *, code: str) -> str:
    """The document with the dated figures of a key rate as its `rates`; as it is where it names none."""
    if not code:
        return document
    # A rate that has ended is followed by nothing until the next one begins; so nought stands there.
    lines: list[tuple[date, Decimal]] = []
    of_code = [one for one in rates if one.code == code]
    for at, one in enumerate(of_code):
        lines.append((one.valid_from, one.percent))
        following = of_code[at + 1].valid_from if at + 1 < len(of_code) else None
        if one.valid_to is not None and one.valid_to != following:
            lines.append((one.valid_to, Decimal(0)))
    written = "".join(f"\n  - {{from: {day}, rate: {percent.normalize():f} %}}" for day, percent in lines)
    return f"{document.rstrip()}\nrates:{written or ' []'}\n"


def list_key_rates(*, as_of: datetime | None = None) -> list[RateRecord]:
    """Key rates by code and date."""
    found = KeyRate.objects.filter(_held(as_of)).order_by("code", "valid")
    return [
        RateRecord(
            rate_id=one.pk,
            code=one.code,
            percent=one.percent,
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in found
    ]


def list_limitation_terms() -> list[LimitationRecord]:
    """Terms of limitation believed now."""
    return [
        LimitationRecord(
            limitation_id=one.pk,
            service=one.service,
            years=one.years,
            interruption=Interruption(one.interruption),
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in LimitationTerms.objects.filter(_BELIEVED).order_by("service", "valid")
    ]


def list_provision_terms() -> list[ProvisionRecord]:
    """Terms of provision believed now."""
    return [
        ProvisionRecord(
            percents={Age(age): Decimal(percent) for age, percent in one.percents.items()},
            valid_from=one.valid.lower,
            valid_to=one.valid.upper,
            proof=one.proof,
        )
        for one in ProvisionTerms.objects.filter(_BELIEVED).order_by("valid")
    ]


def find_provision_terms(*, on_date: date) -> ProvisionRecord | None:
    """The terms of provision of a day."""
    return next(
        (
            one
            for one in list_provision_terms()
            if one.valid_from <= on_date and (one.valid_to is None or on_date < one.valid_to)
        ),
        None,
    )


def _held(as_of: datetime | None) -> Q:
    return _BELIEVED if as_of is None else known(as_of)
