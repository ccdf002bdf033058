"""Files of customers, accounts, agreements and responsible officers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from mains.base.staged_rows import Field, StagedRows, choice, day, import_rows, reference, yes_or_no
from mains.customers.actions.registry import (
    assign_officer,
    open_account,
    register_customer,
    sign_agreement,
)
from mains.customers.models import Account, Customer, Party
from mains.customers.values import Category, CustomerKind
from mains.kernel.errors import MainsError
from mains.network.queries.points import find_point_id
from mains.staff.queries.names import find_unit_id, find_user_id
from mains.tariffs.queries.names import find_tariff_id

CUSTOMER = (
    Field("kind", choice(CustomerKind)),
    Field("name"),
    Field("tax_country", is_needed=False, default=""),
    Field("tax_number", is_needed=False, default=""),
    Field("phone", is_needed=False, default=""),
    Field("email", is_needed=False, default=""),
    Field("language", is_needed=False, default="en"),
)


class UnableToImportCustomer(MainsError):
    """The customer is registered already."""


def import_customers(*, content: bytes, is_trial: bool = False) -> StagedRows:
    """Register the customers of a CSV file (columns CUSTOMER)."""

    def write(row: Mapping[str, Any]) -> None:
        if _known_customer(row):
            raise UnableToImportCustomer(
                code="customer-known",
                message=f"{row['name']} is registered already.",
                remedy="Leave the line out, or open an account for them.",
                params={"field": "tax_number" if row["tax_number"] else "name"},
            )
        _register(row)

    return import_rows(content=content, fields=CUSTOMER, write=write, is_trial=is_trial)


def import_accounts(*, content: bytes, is_trial: bool = False) -> StagedRows:
    """Open the accounts of a CSV file: number (may be left out), the holder as in CUSTOMER, organisation, opened_on.

    A holder who is registered already, by tax number or else by name and phone, gets one more account.
    """
    fields = (
        Field("number", is_needed=False, default=""),
        *CUSTOMER,
        Field("organisation", reference(lambda code: find_unit_id(code=code), name="unit")),
        Field("opened_on", day),
    )

    def write(row: Mapping[str, Any]) -> None:
        open_account(
            customer=_known_customer(row) or _register(row),
            organisation_id=row["organisation"],
            opened_on=row["opened_on"],
            number=row["number"],
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_agreements(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Sign the agreements of a CSV file: account, service_point, tariff, provider, manager, category, load_class,
    contract_number, valid_from, valid_to, is_move."""
    party = reference(lambda code: Party.objects.filter(code=code).first(), name="party")
    fields = (
        _account_field(),
        Field("service_point", reference(lambda code: find_point_id(code=code), name="service point")),
        Field("tariff", reference(lambda code: find_tariff_id(code=code), name="tariff")),
        Field("provider", party),
        Field("manager", party, is_needed=False),
        Field("category", choice(Category)),
        Field("load_class", is_needed=False, default=""),
        Field("contract_number", is_needed=False, default=""),
        Field("valid_from", day),
        Field("valid_to", day, is_needed=False),
        Field("is_move", yes_or_no, is_needed=False, default=False),
    )

    def write(row: Mapping[str, Any]) -> None:
        same = (
            "account",
            "provider",
            "manager",
            "category",
            "load_class",
            "contract_number",
            "valid_from",
            "valid_to",
        )
        sign_agreement(
            service_point_id=row["service_point"],
            tariff_id=row["tariff"],
            is_move=row["is_move"],
            actor=actor,
            now=now,
            proof=proof,
            **{name: row[name] for name in same},
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def import_officers(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Map accounts to field officers by a CSV file: account, officer (user name), valid_from, valid_to."""
    fields = (
        _account_field(),
        Field("officer", reference(lambda name: find_user_id(user_name=name), name="active user")),
        Field("valid_from", day),
        Field("valid_to", day, is_needed=False),
    )

    def write(row: Mapping[str, Any]) -> None:
        assign_officer(
            account=row["account"],
            officer_id=row["officer"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _account_field() -> Field:
    return Field(
        "account", reference(lambda number: Account.objects.filter(number=number).first(), name="account")
    )


def _register(row: Mapping[str, Any]) -> Customer:
    return register_customer(**{field.name: row[field.name] for field in CUSTOMER})


def _known_customer(row: Mapping[str, Any]) -> Customer | None:
    customers = Customer.objects.filter(kind=row["kind"]).order_by("pk")
    if row["tax_number"]:
        return customers.filter(tax_number=row["tax_number"].replace(" ", "")).first()
    return (
        customers.filter(name=row["name"], phone=row["phone"], tax_number="").first()
        if row["phone"]
        else None
    )
