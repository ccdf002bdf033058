"""Customers, accounts, agreements and field officers, one object at a time."""

from datetime import date, datetime

from django.db import IntegrityError, connection, models, transaction

from mains.base.dated import record_fact, withdraw_facts
from mains.customers.actions.tax_numbers import checked_tax_number
from mains.customers.models import Account, Agreement, Customer, Party, Responsibility
from mains.kernel.errors import MainsError
from mains.kernel.identifiers import bucket_of, with_check_digit
from mains.network.queries.points import get_point
from mains.tariffs.queries.names import get_tariff

_SPREAD = 7_368_787
_NUMBER_DIGITS = 9


class UnableToRegisterCustomer(MainsError):
    """The customer has no name."""


class UnableToOpenAccount(MainsError):
    """The account number is taken or is none."""


class UnableToCloseAccount(MainsError):
    """The account still pays for something, or it would close before it opened."""


class UnableToSignAgreement(MainsError):
    """Someone else pays for the service point, or account, tariff and service point do not fit together."""


class UnableToAssignOfficer(MainsError):
    """The account is not open on the date."""


def register_customer(
    *,
    kind: str,
    name: str,
    tax_number: str = "",
    tax_country: str = "",
    phone: str = "",
    email: str = "",
    language: str = "en",
) -> Customer:
    """Register a person or organisation. A tax number is checked by the rule of its country (ru, tr, ng).

    Raises UnableToRegisterCustomer, UnableToAcceptTaxNumber.
    """
    if not name.strip():
        raise UnableToRegisterCustomer(
            code="name-missing",
            message="The customer has no name.",
            remedy="Fill in the name.",
            params={"field": "name"},
        )
    return Customer.objects.create(
        kind=kind,
        name=name.strip(),
        tax_number=checked_tax_number(tax_number, country=tax_country) if tax_number else "",
        phone=phone,
        email=email,
        language=language,
    )


@transaction.atomic
def open_account(
    *, customer: Customer, organisation_id: int, opened_on: date, number: str = "", cycle: str = "monthly"
) -> Account:
    """Open an account of a customer in a unit of the utility; without `number` it gets the next one of its own.

    Raises UnableToOpenAccount.
    """
    identifier = _next_account_id()
    given = number or _number_of(identifier)
    if not (given.isascii() and given.replace("-", "").isalnum() and len(given) <= 20):
        raise _unable_to_open(
            given, "account-number-wrong", "An account number has at most 20 letters and digits."
        )
    try:
        with transaction.atomic():
            return Account.objects.create(
                id=identifier,
                number=given,
                customer=customer,
                organisation_id=organisation_id,
                cycle=cycle,
                bucket=bucket_of(identifier),
                opened_on=opened_on,
            )
    except IntegrityError as error:
        raise _unable_to_open(
            given, "account-number-taken", f"There is an account {given} already."
        ) from error


@transaction.atomic
def close_account(*, account: Account, closed_on: date, now: datetime) -> None:
    """Close an account; `closed_on` is the first day on which it is closed. Its money stays, its
    officer's duty ends.

    Raises UnableToCloseAccount while an agreement reaches beyond that day.
    """
    held = Account.objects.select_for_update().get(pk=account.pk)
    if closed_on <= held.opened_on or held.closed_on is not None:
        message = (
            f"It was closed on {held.closed_on}." if held.closed_on else f"It was opened on {held.opened_on}."
        )
        raise _unable_to_close(held, "account-dates", message, "Check the date.")
    open_agreement = held.agreements.filter(superseded_at=None, valid__overlap=(closed_on, None)).first()
    if open_agreement:
        raise _unable_to_close(
            held,
            "account-pays",
            f"It still pays for service point {open_agreement.service_point.code}.",
            "End or move the agreement first.",
        )
    withdraw_facts(model=Responsibility, subject={"account": held}, valid_from=closed_on, now=now)
    held.closed_on = closed_on
    held.save(update_fields=["closed_on"])


@transaction.atomic
def sign_agreement(
    *,
    account: Account,
    service_point_id: int,
    tariff_id: int,
    provider: Party,
    category: str,
    manager: Party | None = None,
    load_class: str = "",
    contract_number: str = "",
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
    is_move: bool = False,
) -> Agreement:
    """Let an account pay for a service point over [valid_from, valid_to).

    The account's own agreement about these dates is replaced: a new tariff, category or provider from a day on. When
    another account pays on some of them that is refused, unless `is_move`: the payer changes, the other one's agreement
    ends where this one begins. Raises UnableToSignAgreement, UnableToRecordFact.
    """
    _check_fit(account, service_point_id=service_point_id, tariff_id=tariff_id, valid_from=valid_from)
    others = (
        Agreement.objects.filter(
            service_point_id=service_point_id, superseded_at=None, valid__overlap=(valid_from, valid_to)
        )
        .exclude(account=account)
        .select_related("account")
    )
    other = others.select_for_update(of=("self",)).first()
    if other and not is_move:
        raise _unable_to_sign(
            account,
            "point-paid",
            f"Account {other.account.number} pays for the service point from {other.valid.lower} on.",
            "End that agreement, or record a move.",
            "service_point",
        )
    return record_fact(
        model=Agreement,
        subject={"service_point_id": service_point_id},
        values={
            "account": account,
            "tariff_id": tariff_id,
            "provider": provider,
            "manager": manager,
            "category": category,
            "load_class": load_class,
            "contract_number": contract_number,
        },
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


@transaction.atomic
def change_tariff(
    *, service_point_id: int, tariff_id: int, valid_from: date, actor: models.Model | None, now: datetime
) -> Agreement:
    """Let who pays for a service point on `valid_from` pay by another tariff from then on, all else being as it was.

    Raises UnableToSignAgreement when nobody pays then.
    """
    held = (
        Agreement.objects.filter(
            service_point_id=service_point_id, superseded_at=None, valid__contains=valid_from
        )
        .select_related("account", "provider", "manager")
        .first()
    )
    if held is None:
        raise UnableToSignAgreement(
            code="point-unpaid",
            message=f"Nobody pays for the service point on {valid_from}.",
            place=f"service point {service_point_id}",
            remedy="Check the date.",
        )
    return sign_agreement(
        account=held.account,
        service_point_id=service_point_id,
        tariff_id=tariff_id,
        provider=held.provider,
        category=held.category,
        manager=held.manager,
        load_class=held.load_class,
        contract_number=held.contract_number,
        valid_from=valid_from,
        valid_to=held.valid.upper,
        actor=actor,
        now=now,
    )


def end_agreement(*, service_point_id: int, end_date: date, now: datetime) -> None:
    """Let nobody pay for a service point from `end_date` on. Raises UnableToSignAgreement when nobody did."""
    touched = withdraw_facts(
        model=Agreement, subject={"service_point_id": service_point_id}, valid_from=end_date, now=now
    )
    if not touched:
        raise UnableToSignAgreement(
            code="point-unpaid",
            message=f"Nobody pays for the service point on {end_date} or later.",
            place=f"service point {service_point_id}",
            remedy="Check the date.",
        )


@transaction.atomic
def assign_officer(
    *,
    account: Account,
    officer_id: int,
    valid_from: date,
    valid_to: date | None = None,
    actor: models.Model | None,
    now: datetime,
    proof: str = "",
) -> Responsibility:
    """Make a field officer answer for an account over [valid_from, valid_to), instead of whoever did.

    Raises UnableToAssignOfficer, UnableToRecordFact.
    """
    if valid_from < account.opened_on or (account.closed_on and valid_from >= account.closed_on):
        raise UnableToAssignOfficer(
            code="account-not-open",
            message=f"The account is not open on {valid_from}.",
            place=f"account {account.number}",
            remedy=f"It was opened on {account.opened_on}; check the date.",
            params={"field": "valid_from"},
        )
    return record_fact(
        model=Responsibility,
        subject={"account": account},
        values={"officer_id": officer_id},
        valid_from=valid_from,
        valid_to=valid_to,
        actor=actor,
        now=now,
        proof=proof,
    )


def _check_fit(account: Account, *, service_point_id: int, tariff_id: int, valid_from: date) -> None:
    point = get_point(point_id=service_point_id)
    tariff = get_tariff(tariff_id=tariff_id)
    if tariff.service != point.service:
        message = f"Tariff {tariff.code} is for {tariff.service}, the service point for {point.service}."
        raise _unable_to_sign(account, "tariff-service", message, "Choose a tariff of the service.", "tariff")
    if valid_from < account.opened_on or (account.closed_on and valid_from >= account.closed_on):
        message = f"The account is not open on {valid_from}."
        raise _unable_to_sign(account, "account-not-open", message, "Check the date.", "valid_from")
    if not point.is_connected(valid_from):
        message = f"The service point is not connected on {valid_from}."
        raise _unable_to_sign(account, "point-not-connected", message, "Check the date.", "valid_from")


def _next_account_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('customers_account', 'id'))")
        (identifier,) = cursor.fetchone()
    return int(identifier)


def _number_of(identifier: int) -> str:
    """The number of an account by its id, spread so that neighbours differ, with a check digit.

    As long as the numbers that are in use, so that all of a utility's numbers look alike.
    """
    latest = (
        Account.objects.filter(number__regex="^[0-9]{6,20}$").order_by("-pk").values_list("number", flat=True)
    )
    digits = len(latest[0]) - 1 if latest[:1] else _NUMBER_DIGITS
    return with_check_digit(str(identifier * _SPREAD % 10**digits).zfill(digits))


def _unable_to_open(number: str, code: str, message: str) -> UnableToOpenAccount:
    return UnableToOpenAccount(
        code=code,
        message=message,
        place=f"account {number}",
        remedy="Choose another number, or leave it out.",
        params={"field": "number"},
    )


def _unable_to_close(account: Account, code: str, message: str, remedy: str) -> UnableToCloseAccount:
    return UnableToCloseAccount(code=code, message=message, place=f"account {account.number}", remedy=remedy)


def _unable_to_sign(
    account: Account, code: str, message: str, remedy: str, field: str
) -> UnableToSignAgreement:
    return UnableToSignAgreement(
        code=code, message=message, place=f"account {account.number}", remedy=remedy, params={"field": field}
    )
