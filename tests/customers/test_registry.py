"""Customers, accounts, agreements and officers: what is refused, who pays on which day, as known when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mains.base.dated import holds_on, known
from mains.customers.actions.registry import (
    UnableToAssignOfficer,
    UnableToCloseAccount,
    UnableToOpenAccount,
    UnableToRegisterCustomer,
    UnableToSignAgreement,
    assign_officer,
    close_account,
    end_agreement,
    open_account,
    register_customer,
    sign_agreement,
)
from mains.customers.actions.tax_numbers import UnableToAcceptTaxNumber, checked_tax_number
from mains.customers.models import Account, Agreement, Party
from mains.customers.queries.records import count_unmapped
from mains.kernel.identifiers import bucket_of, has_valid_check_digit
from mains.staff.models import User
from mains.staff.values import EVERYTHING
from money_cast import Cast

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
OPENED = date(2020, 1, 1)
MOVED = date(2021, 5, 1)


def account_of(cast: Cast, name: str) -> Account:
    return Account.objects.get(pk=cast.accounts[name])


def agreement_of(cast: Cast, name: str) -> Agreement:
    return Agreement.objects.filter(account_id=cast.accounts[name], superseded_at=None).earliest("pk")


def sign(cast: Cast, account: Account, like: Agreement, **more: Any) -> Agreement:
    values: dict[str, Any] = {
        "service_point_id": like.service_point_id,
        "tariff_id": like.tariff_id,
        "provider": Party.objects.get(code="power"),
        "category": "household",
        "valid_from": MOVED,
        "actor": None,
        "now": NOW + timedelta(hours=1),
    }
    return sign_agreement(account=account, **values | more)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("7707083893", "ru"),
        ("500100732259", "ru"),
        ("4540536920", "tr"),
        ("17291716060", "tr"),
        ("12345678-0001", "ng"),
        ("7707 083893", "ru"),
    ],
)
def test_tax_numbers_that_are_right(number: str, country: str) -> None:
    assert checked_tax_number(number, country=country) == number.replace(" ", "")


@pytest.mark.parametrize(
    ("number", "country", "code"),
    [
        ("7707083894", "ru", "tax-number-check-digit"),
        ("500100732250", "ru", "tax-number-check-digit"),
        ("4540536921", "tr", "tax-number-check-digit"),
        ("17291716050", "tr", "tax-number-check-digit"),
        ("770708389", "ru", "tax-number-shape"),
        ("12345678", "ng", "tax-number-shape"),
        ("٧٧٠٧٠٨٣٨٩٣", "ru", "tax-number-shape"),
        ("7707083893", "xx", "tax-country"),
    ],
)
def test_tax_numbers_that_are_wrong(number: str, country: str, code: str) -> None:
    with pytest.raises(UnableToAcceptTaxNumber) as caught:
        checked_tax_number(number, country=country)
    assert caught.value.code == code


def test_opening_accounts(cast: Cast) -> None:
    fatma = register_customer(kind="person", name=" Fatma ")
    account = open_account(customer=fatma, organisation_id=cast.units["Alder"], opened_on=OPENED)
    assert fatma.name == "Fatma"
    assert account.bucket == bucket_of(account.pk)
    assert has_valid_check_digit(account.number)
    assert len(account.number) == len(cast.numbers["anna"])
    with pytest.raises(UnableToOpenAccount, match="already"):
        open_account(
            customer=fatma, organisation_id=cast.units["Alder"], opened_on=OPENED, number=cast.numbers["anna"]
        )
    with pytest.raises(UnableToOpenAccount, match="letters and digits"):
        open_account(customer=fatma, organisation_id=cast.units["Alder"], opened_on=OPENED, number="a/b")
    with pytest.raises(UnableToRegisterCustomer):
        register_customer(kind="person", name=" ")


def test_a_move_changes_the_payer_from_a_day_on(cast: Cast) -> None:
    annas = agreement_of(cast, "anna")
    emre = account_of(cast, "emre")
    with pytest.raises(UnableToSignAgreement, match=f"Account {cast.numbers['anna']} pays"):
        sign(cast, emre, annas)
    sign(cast, emre, annas, is_move=True)
    payers = Agreement.objects.filter(service_point_id=annas.service_point_id)
    assert payers.get(holds_on(MOVED - timedelta(days=1))).account_id == cast.accounts["anna"]
    assert payers.get(holds_on(MOVED)).account == emre
    assert payers.get(holds_on(MOVED, known_at=NOW)).account_id == cast.accounts["anna"]


def test_a_new_tariff_from_a_day_on_needs_no_move(cast: Cast) -> None:
    annas = agreement_of(cast, "anna")
    sign(cast, account_of(cast, "anna"), annas, category="large_family")
    agreements = Agreement.objects.filter(service_point_id=annas.service_point_id)
    assert agreements.get(holds_on(MOVED - timedelta(days=1))).category == "household"
    assert agreements.get(holds_on(MOVED)).category == "large_family"


def test_agreements_that_are_refused(cast: Cast) -> None:
    annas, chens = agreement_of(cast, "anna"), agreement_of(cast, "chen")
    water = Agreement.objects.exclude(pk=chens.pk).get(account_id=cast.accounts["chen"])
    anna = account_of(cast, "anna")
    with pytest.raises(UnableToSignAgreement, match="Tariff cold_water is for cold_water"):
        sign(cast, anna, annas, tariff_id=water.tariff_id)
    with pytest.raises(UnableToSignAgreement, match="account is not open"):
        sign(cast, anna, annas, valid_from=date(2019, 1, 1))
    anna.opened_on = date(2019, 1, 1)
    with pytest.raises(UnableToSignAgreement, match="not connected"):
        sign(cast, anna, annas, valid_from=date(2019, 1, 1))


def test_an_account_closes_when_it_pays_for_nothing(cast: Cast) -> None:
    anna = account_of(cast, "anna")
    officer = User.objects.create(username="olga")
    assign_officer(account=anna, officer_id=officer.pk, valid_from=OPENED, actor=None, now=NOW)
    with pytest.raises(UnableToCloseAccount, match="still pays for service point"):
        close_account(account=anna, closed_on=MOVED, now=NOW)
    end_agreement(service_point_id=agreement_of(cast, "anna").service_point_id, end_date=MOVED, now=NOW)
    close_account(account=anna, closed_on=MOVED, now=NOW)
    anna.refresh_from_db()
    assert anna.closed_on == MOVED
    assert not anna.responsibilities.filter(holds_on(MOVED)).exists()
    assert anna.responsibilities.filter(holds_on(MOVED - timedelta(days=1))).exists()
    with pytest.raises(UnableToCloseAccount, match="was closed"):
        close_account(account=anna, closed_on=date(2021, 6, 1), now=NOW)
    with pytest.raises(UnableToSignAgreement, match="Nobody pays"):
        end_agreement(service_point_id=0, end_date=MOVED, now=NOW)


def test_unmapped_accounts_are_counted_by_day(cast: Cast) -> None:
    olga, anna = User.objects.create(username="olga"), account_of(cast, "anna")
    before = count_unmapped(scope=EVERYTHING, on_date=MOVED)
    assign_officer(account=anna, officer_id=olga.pk, valid_from=MOVED, actor=None, now=NOW)
    assert count_unmapped(scope=EVERYTHING, on_date=MOVED) == before - 1
    assert count_unmapped(scope=EVERYTHING, on_date=MOVED - timedelta(days=1)) == before
    with pytest.raises(UnableToAssignOfficer, match="not open on 2019"):
        assign_officer(account=anna, officer_id=olga.pk, valid_from=date(2019, 1, 1), actor=None, now=NOW)


DAYS = 10
FIRST = date(2021, 2, 24)
writes = st.tuples(
    st.sampled_from(["anna", "emre", "nobody"]), st.integers(0, DAYS - 1), st.integers(1, DAYS)
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(writes, min_size=1, max_size=7))
def test_payers_equal_a_day_array_at_every_past_instant(
    cast: Cast, history: list[tuple[str, int, int]]
) -> None:
    names = {cast.accounts["anna"]: "anna", cast.accounts["emre"]: "emre"}
    like = agreement_of(cast, "anna")
    with transaction.atomic():
        model = ["anna"] * DAYS
        snapshots = [(NOW, model)]
        for step, (name, first, length) in enumerate(history, start=1):
            now, begins = NOW + timedelta(hours=step), FIRST + timedelta(days=first)
            if name == "nobody":
                try:
                    end_agreement(service_point_id=like.service_point_id, end_date=begins, now=now)
                except UnableToSignAgreement:
                    assert set(model[first:]) == {"nobody"}
                model = model[:first] + ["nobody"] * (DAYS - first)
            else:
                sign(
                    cast,
                    account_of(cast, name),
                    like,
                    valid_from=begins,
                    valid_to=begins + timedelta(days=length),
                    is_move=True,
                    now=now,
                )
                model = [name if first <= day < first + length else old for day, old in enumerate(model)]
            snapshots.append((now, model))
        for at, expected in snapshots:
            found = []
            for day in range(DAYS):
                on_day = Agreement.objects.filter(
                    known(at),
                    service_point_id=like.service_point_id,
                    valid__contains=FIRST + timedelta(days=day),
                )
                found.append(names[on_day.get().account_id] if on_day.exists() else "nobody")
            assert found == expected
        transaction.set_rollback(True)
