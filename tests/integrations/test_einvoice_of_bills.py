"""Posted bills as electronic invoices: not a minor unit off, and the official rules find nothing."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.db import connections, transaction
from pytest_django.plugin import DjangoDbBlocker
from typer.testing import CliRunner

from billing.conftest import populated
from mains.billing.models import Bill, BillLine
from mains.billing.values import bill_number
from mains.config.cli.einvoice import app
from mains.customers.models import Party
from mains.integrations.einvoice.queries.invoices import make_invoice
from mains.integrations.einvoice.values.invoice import Invoice
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from reporting.billed_homes import HOMES, MAY, bill_homes

__all__ = ["populated"]

SELLER = (
    "legal_name=Stadtwerke Nord GmbH", "vat_number=DE136695976", "registration=HRB 1234", "country=DE",
    "street=Hafenstr. 1", "city=Hamburg", "postal_code=20457", "endpoint=DE136695976", "endpoint_scheme=9930",
    "contact_name=Service", "contact_phone=+49 40 1234567", "contact_email=service@stadtwerke.example",
    "iban=DE89 3704 0044 0532 0130 00", "bic=COBADEFFXXX", "exemption_reason=Exempt by law",
)  # fmt: skip
BUYER = (
    "endpoint=home@example.org",
    "endpoint_scheme=EM",
    "city=Hamburg",
    "postal_code=20457",
    "street=Am Kai 2",
)


@pytest.fixture(scope="module")
def homes(populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    settings = connections["default"].settings_dict
    usual = settings["NAME"]
    with django_db_blocker.unblock():
        name = populated(HOMES)
        connections["default"].close()
        settings["NAME"] = name
        bill_homes()
        yield
        connections["default"].close()
        settings["NAME"] = usual


@pytest.fixture
def stated(homes: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What the supplier and the customers of some homes state; taken back after the test."""
    with django_db_blocker.unblock(), transaction.atomic():
        call("seller", Party.objects.get(id=1).code, *set_options(SELLER), "--from", "2021-01-01")
        yield
        transaction.set_rollback(True)


def call(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result.output


def set_options(values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def number_of(home: int, month: date = MAY) -> str:
    return bill_number(month, Bill.objects.get(account_id=home, month=month).id)


def lines_of(bill: Bill) -> list[BillLine]:
    return list(BillLine.objects.filter(month=bill.month, bill_id=bill.id))


def invoice_of(bill: Bill) -> Invoice:
    return make_invoice(month=bill.month, bill_id=bill.id)


def test_every_invoice_asks_for_what_its_bill_asks_for(stated):
    bills = list(Bill.objects.order_by("month", "id"))
    assert len(bills) > 2 * HOMES
    vat_of_bills = 0
    for bill in bills:
        if not any(line.amount_minor for line in lines_of(bill)):
            with pytest.raises(UnableToMakeInvoice, match="charges nothing"):
                invoice_of(bill)
            continue
        invoice = invoice_of(bill)
        sign = -1 if invoice.is_credit_note else 1
        assert sign * invoice.payable_minor == bill.amount_minor
        assert sign * invoice.tax_minor == bill.tax_minor
        assert invoice.payable_minor >= 0
        vat_of_bills += bill.tax_minor
    assert vat_of_bills > 0
