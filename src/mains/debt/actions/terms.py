"""State the rules of late interest, limitation and provision, and published rates, from a day on."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, models, transaction

from mains.base.dated import end_fact, record_fact
from mains.base.facts import DatedFact
from mains.debt.models import InterestTerms, KeyRate, LimitationTerms, ProvisionTerms
from mains.debt.queries.terms import list_key_rates, with_rates
from mains.debt.values import Interruption, TermsKind
from mains.engine.interest import read_interest
from mains.kernel.errors import MainsError
from mains.ledger.values import Age
from mains.tariffs.queries.records import currency_of_utility

_ENDED: dict[TermsKind, tuple[type[DatedFact], tuple[str, ...]]] = {
    TermsKind.INTEREST: (InterestTerms, ("service", "category")),
    TermsKind.RATE: (KeyRate, ("code",)),
    TermsKind.LIMITATION: (LimitationTerms, ("service",)),
}
"""What of these ends, and the fields that tell whose it is."""


class UnableToStateTerms(MainsError):
    """The terms cannot be followed; nothing was kept."""


def state_interest(
    *,
    document: str,
    key_rate: str = "",
    service: str = "",
    category: str = "",
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> InterestTerms:
    """Let debts due from a day on bear interest by a rule, of a service and category or of all others.

    With `key_rate` the document states no rates of its own. Raises UnableToReadInterest: every fault of the document;
    UnableToStateTerms: no proof, no such key rate, another currency.
    """
    place = f"interest from {valid_from.isoformat()}"
    _check_proof(proof, place)
    with transaction.atomic():
        _one_at_a_time()
        rates = list_key_rates()
        if key_rate and not any(one.code == key_rate for one in rates):
            raise UnableToStateTerms(
                code="key-rate-unknown",
                message=f"There are no figures of a key rate {key_rate}.",
                place=place,
                remedy="State the rate first: mains ledger interest rate.",
                params={"code": key_rate},
            )
        rule = read_interest(with_rates(document, rates, code=key_rate))
        currency = currency_of_utility()
        if currency and rule.currency != currency:
            raise UnableToStateTerms(
                code="interest-currency",
                message=f"The rule is in {rule.currency}, the accounts in {currency}.",
                place=place,
                remedy="Write the rule in the currency of the accounts.",
                params={"rule": rule.currency, "currency": currency},
            )
        return record_fact(
            model=InterestTerms,
            subject={"service": service, "category": category},
            values={"document": document, "key_rate": key_rate},
            valid_from=valid_from,
            valid_to=valid_to,
            actor=actor,
            now=now,
            proof=proof.strip()[:200],
        )


def state_key_rate(
    *,
    code: str,
    percent: Decimal,
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> KeyRate:
    """State a published rate from a day on. Raises UnableToStateTerms."""
    place = f"rate {code} from {valid_from.isoformat()}"
    _check_proof(proof, place)
    if not code.strip() or not 0 <= percent < 1000:
        raise UnableToStateTerms(
            code="key-rate",
            message="A rate has a name and a percentage from 0 to below 1000.",
            place=place,
            remedy="Write for example cbr 7.5.",
        )
    with transaction.atomic():
        _one_at_a_time()
        return record_fact(
            model=KeyRate,
            subject={"code": code.strip()},
            values={"percent": percent},
            valid_from=valid_from,
            valid_to=valid_to,
            actor=actor,
            now=now,
            proof=proof.strip()[:200],
        )


def state_limitation(
    *,
    years: int,
    interruption: Interruption,
    service: str = "",
    valid_from: date,
    valid_to: date | None = None,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> LimitationTerms:
    """State after how many years debts due from a day on are time-barred. Raises UnableToStateTerms."""
    place = f"limitation from {valid_from.isoformat()}"
    _check_proof(proof, place)
    if not 1 <= years <= 30:
        raise UnableToStateTerms(
            code="limitation-years",
            message="Limitation is 1 to 30 years.",
            place=place,
            remedy="Give whole years.",
        )
    with transaction.atomic():
        _one_at_a_time()
        return record_fact(
            model=LimitationTerms,
            subject={"service": service},
            values={"years": years, "interruption": interruption},
            valid_from=valid_from,
            valid_to=valid_to,
            actor=actor,
            now=now,
            proof=proof.strip()[:200],
        )


def state_provision(
    *,
    percents: Mapping[str, Decimal],
    valid_from: date,
    proof: str,
    actor: models.Model | None,
    now: datetime,
) -> ProvisionTerms:
    """State how much of a debt is doubtful, by its age, from a day on. Raises UnableToStateTerms."""
    place = f"provision from {valid_from.isoformat()}"
    _check_proof(proof, place)
    ages = [age.value for age in Age if age is not Age.CREDIT]
    if not percents or set(percents) - set(ages) or not all(0 <= one <= 100 for one in percents.values()):
        raise UnableToStateTerms(
            code="provision-percents",
            message="A provision is a percentage from 0 to 100 for each age of debts.",
            place=place,
            remedy=f"Ages: {', '.join(ages)}.",
            params={"ages": ", ".join(ages)},
        )
    return record_fact(
        model=ProvisionTerms,
        subject={},
        values={"percents": {age: str(percent) for age, percent in percents.items()}},
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof.strip()[:200],
    )


@transaction.atomic
def end_terms(*, kind: TermsKind, fact_id: int, first_free_day: date, now: datetime) -> None:
    """Let a rule of interest, a published rate or a rule of limitation end. Raises UnableToWithdrawFact."""
    _one_at_a_time()
    model, subject = _ENDED[kind]
    end_fact(model=model, fact_id=fact_id, subject=subject, first_free_day=first_free_day, now=now)


def _one_at_a_time() -> None:
    """Terms have subjects of several words, for which the embedded server has no exclusion constraint."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('debt_terms'))")


def _check_proof(proof: str, place: str) -> None:
    if not proof.strip():
        raise UnableToStateTerms(
            code="policy-proof",
            message="The document that decides it is missing.",
            place=place,
            remedy="Name the order or the article of law.",
        )
