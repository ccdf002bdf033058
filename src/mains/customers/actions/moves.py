"""A change of payer on a day: one account stops paying for a service point, whoever comes next begins the day after."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.db.models import DateField, Func

from mains.base.dated import record_fact, withdraw_facts
from mains.customers.actions.registry import open_account, register_customer, sign_agreement
from mains.customers.models import Account, Agreement
from mains.customers.values import CustomerKind
from mains.kernel.errors import MainsError
from mains.tariffs.queries.names import get_tariff

_DAY = timedelta(days=1)
_FIRST_DAY = Func("valid", function="lower", output_field=DateField())
_TERMS = (
    "account_id",
    "tariff_id",
    "provider_id",
    "manager_id",
    "category",
    "load_class",
    "contract_number",
)


class UnableToMove(MainsError):
    """The account does not pay for the service point then, or the one who comes next cannot."""


@dataclass(frozen=True, kw_only=True)
class NewPayer:
    """A customer who is registered with an account of their own when they take over a supply."""

    name: str
    kind: str = CustomerKind.PERSON
    tax_number: str = ""
    tax_country: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class NextTerms:
    """What is agreed with the one who comes next: tariffs by id, each for the supplies of its service, and a category.
    What is left out stays as it is."""

    tariff_ids: tuple[int, ...] = ()
    category: str = ""


@dataclass(frozen=True, kw_only=True)
class Move:
    """A change of payer as it stands: the next account's number, empty where nobody comes, with tariff and category of
    its agreement; whether anything had to be recorded for it."""

    next_number: str
    is_new: bool
    tariff_id: int | None = None
    category: str = ""


@transaction.atomic
def move_out(
    *,
    account_id: int,
    service_point_id: int,
    last_date: date,
    next_account_id: int | None,
    terms: NextTerms | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Move:
    """Let the account pay for the service point up to `last_date`, and the next account from the day after, on the same
    terms or on others. The same again changes nothing.

    Another day than was recorded before moves both: the account's agreement is cut or prolonged, and the one who came
    next, unless somebody else is named, begins earlier or later. Raises UnableToMove, UnableToSignAgreement,
    UnableToRecordFact.
    """
    account = Account.objects.select_for_update().get(pk=account_id)
    end = last_date + _DAY
    believed = list(_believed(service_point_id))
    own = [row for row in believed if row.account_id == account_id and row.valid.lower <= last_date]
    if not own:
        raise _unable(
            account,
            "pays-not",
            f"The account does not pay for the service point on {last_date}.",
            "last_date",
        )
    last = own[-1]
    until = _paid_until(believed, last)
    follower = next((row for row in believed if until is not None and row.valid.lower == until), None)
    is_new = _cut_or_prolong(account, believed, last, end, actor=actor, now=now, proof=proof)
    if next_account_id is None and follower is None:
        if terms is not None:
            raise _unable(account, "terms-for-nobody", "Terms are given, and nobody comes next.", "next")
        return Move(next_number="", is_new=is_new)
    following = follower.account if follower else None
    next_account = following
    if next_account_id is not None:
        next_account = Account.objects.select_for_update().get(pk=next_account_id)
    assert next_account is not None, "Somebody comes next."
    if next_account.pk == account_id:
        raise _unable(account, "moves-nowhere", "The account cannot follow itself.", "next")
    begun = follower if follower and following == next_account else None
    agreed, began = _begin(
        next_account, last, begun, end, terms=terms or NextTerms(), actor=actor, now=now, proof=proof
    )
    return Move(
        next_number=next_account.number,
        is_new=is_new or began,
        tariff_id=agreed.tariff_id,
        category=agreed.category,
    )


@transaction.atomic
def admit_payer(
    *, payer: NewPayer, instead_of_id: int, service_point_ids: list[int], opened_on: date
) -> tuple[int, str]:
    """Register a customer and open an account for them, in the unit and cycle of the account that they come after; id
    and number of it. Whoever was admitted there under this name already is not registered twice.

    Raises UnableToRegisterCustomer, UnableToAcceptTaxNumber, UnableToOpenAccount.
    """
    before = Account.objects.select_related("customer").get(pk=instead_of_id)
    believed = Agreement.objects.filter(service_point_id__in=service_point_ids, superseded_at=None)
    began = believed.filter(account=before).aggregate(day=models.Min(_FIRST_DAY))["day"]
    later = believed.exclude(account=before).annotate(day=_FIRST_DAY)
    already = (
        later.filter(account__customer__name=payer.name.strip(), day__gt=began)
        .select_related("account")
        .order_by("-day")
        .first()
        if began
        else None
    )
    if already:
        return already.account_id, already.account.number
    customer = register_customer(
        kind=payer.kind,
        name=payer.name,
        tax_number=payer.tax_number,
        tax_country=payer.tax_country,
        phone=payer.phone,
        email=payer.email,
        language=payer.language or before.customer.language,
    )
    account = open_account(
        customer=customer,
        organisation_id=before.organisation_id,
        opened_on=opened_on,
        cycle=before.cycle,
    )
    return account.pk, account.number


def _believed(service_point_id: int) -> models.QuerySet[Agreement]:
    return (
        Agreement.objects.filter(service_point_id=service_point_id, superseded_at=None)
        .select_related("account", "tariff")
        .order_by("valid")
    )


def _paid_until(believed: list[Agreement], last: Agreement) -> date | None:
    """Where the account stops as it was recorded, its own agreements for the days after `last` included; None is open.

    Whoever begins on this very day is the one who follows.
    """
    until: date | None = last.valid.upper
    for row in believed:
        if until is not None and row.account_id == last.account_id and row.valid.lower == until:
            until = row.valid.upper
    return until


def _cut_or_prolong(
    account: Account,
    believed: list[Agreement],
    last: Agreement,
    end: date,
    *,
    actor: models.Model | None,
    now: datetime,
    proof: str,
) -> bool:
    """Make the account's agreement end on `end`; whether it had to be changed."""
    upper = last.valid.upper
    if upper is not None and upper < end:
        inside = [row for row in believed if row.valid.lower >= upper and row.valid.lower < end]
        if any(row.valid.upper is not None and row.valid.upper <= end for row in inside):
            raise _unable(
                account,
                "paid-between",
                f"Somebody else paid for the service point between {upper} and {end - _DAY}.",
                "last_date",
            )
        record_fact(
            model=Agreement,
            subject={"service_point_id": last.service_point_id},
            values={name: getattr(last, name) for name in _TERMS},
            valid_from=last.valid.lower,
            valid_to=end,
            actor=actor,
            now=now,
            proof=proof,
        )
        return True
    touched = withdraw_facts(
        model=Agreement,
        subject={"service_point_id": last.service_point_id, "account_id": account.pk},
        valid_from=end,
        now=now,
    )
    return bool(touched)


def _begin(
    next_account: Account,
    last: Agreement,
    begun: Agreement | None,
    end: date,
    *,
    terms: NextTerms,
    actor: models.Model | None,
    now: datetime,
    proof: str,
) -> tuple[Agreement, bool]:
    """Make the next account pay from `end` on; `begun` is its agreement that followed as recorded. Its agreement, and
    whether anything was new."""
    like = begun or last
    tariff_id = _tariff_of(terms, last.tariff.service) or like.tariff_id
    category = terms.category or like.category
    is_agreed = begun is not None and (begun.tariff_id, begun.category) == (tariff_id, category)
    if begun is not None and is_agreed and begun.valid.lower <= end:
        return begun, False  # it follows at once, or was cut when the agreement before it was prolonged
    if end < next_account.opened_on and begun is not None:
        # It was opened for this supply, on the day that turned out to be another.
        next_account.opened_on = end
        next_account.save(update_fields=["opened_on"])
    # Another payer of these days gives way. The next account's own agreement begins earlier, on its own terms.
    agreed = sign_agreement(
        account=next_account,
        service_point_id=last.service_point_id,
        tariff_id=tariff_id,
        provider=like.provider,
        manager=like.manager,
        category=category,
        load_class=like.load_class,
        contract_number=begun.contract_number if begun else "",
        valid_from=end,
        valid_to=begun.valid.upper if begun else None,
        actor=actor,
        now=now,
        proof=proof,
        is_move=True,
    )
    return agreed, True


def _tariff_of(terms: NextTerms, service: str) -> int | None:
    named = (get_tariff(tariff_id=tariff_id) for tariff_id in terms.tariff_ids)
    return next((tariff.id for tariff in named if tariff.service == service), None)


def _unable(account: Account, code: str, message: str, field: str) -> UnableToMove:
    return UnableToMove(
        code=code,
        message=message,
        place=f"account {account.number}",
        remedy="Look at the agreements of the service point, and check the day.",
        params={"field": field},
    )
