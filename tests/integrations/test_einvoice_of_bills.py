"""Posted bills as electronic invoices: not a minor unit off, and the official rules find nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from io import BytesIO

import pytest
from django.db import transaction
from lxml import etree
from pypdf import PdfReader
from pytest_django.plugin import DjangoDbBlocker
from typer.testing import CliRunner

from billing.conftest import populated
from integrations.official_rules import CII_RULES, european_rules
from mains.billing.models import Bill, BillLine
from mains.billing.values import bill_number
from mains.config.cli.einvoice import app
from mains.customers.models import Account, Party
from mains.customers.queries.records import find_account
from mains.integrations.einvoice.queries.invoice_documents import make_invoice_document
from mains.integrations.einvoice.queries.invoices import make_invoice
from mains.integrations.einvoice.queries.profiles import PROFILES, write_document
from mains.integrations.einvoice.queries.validation import validate_document
from mains.integrations.einvoice.values.invoice import Invoice
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.invoicing.actions.advance_vat import state_advance_vat
from mains.invoicing.actions.advances import issue_advance
from mains.invoicing.actions.sharing import share_bills, state_shares
from mains.invoicing.queries.advances import Expected
from mains.invoicing.queries.invoices import get_invoice, list_invoices
from mains.invoicing.values import Share
from mains.kernel.rounding import RoundingMode, round_quotient
from mains.staff.values import EVERYTHING
from reporting.billed_homes import APRIL, HOMES, MARCH, MAY, UNMETERED_HOME, billed_homes
from template_databases import connected_copy

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

NOW = datetime(2021, 6, 10, 9, tzinfo=UTC)
PDF_A = "http://www.aiim.org/pdfa/ns/id/"
FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


@pytest.fixture(scope="module")
def homes(populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), connected_copy(billed_homes(populated(HOMES))):
        yield


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


def test_invoices_and_credit_notes_break_no_official_rule(stated, tmp_path):
    rules = european_rules(tmp_path)
    kinds = set()
    for home in (1, UNMETERED_HOME):
        call("buyer", Account.objects.get(id=home).number, *set_options(BUYER), "--from", "2021-01-01")
    bills = [
        Bill.objects.get(account_id=home, month=month) for home, month in ((1, MAY), (UNMETERED_HOME, APRIL))
    ]
    for bill in bills:
        invoice = invoice_of(bill)
        for made in (invoice, invoice.turned()):
            kinds.add(made.type_code)
            found = validate_document(write_document(made, profile=PROFILES["peppol"]), rules=rules)
            assert found.findings == ()
            assert (len(found.schemas), len(found.rule_sets)) == (1, 1)
            found = validate_document(write_document(made, profile=PROFILES["cii"]), rules=CII_RULES)
            assert found.findings == ()
    assert kinds == {"380", "381"}


def test_shares_advances_and_bills_that_deduct_them_break_no_official_rule(stated, tmp_path):
    rules = european_rules(tmp_path)
    payer, sharer = (find_account(number=str(n), scope=EVERYTHING, on_date=MAY) for n in (1, 2))
    for one in (payer, sharer):
        call("buyer", one.number, *set_options(BUYER), "--from", "2021-01-01")
    told = {"actor": None, "now": NOW}
    state_advance_vat(
        provider_id=1, service="electricity", rate_ppm=200_000, valid_from=date(2021, 6, 1), **told
    )
    state_shares(account=sharer, shares=[Share(payer_id=1, parts_ppm=333_333)], valid_from=MAY, **told)
    share_bills(now=NOW)
    advance = issue_advance(
        account=payer,
        service="electricity",
        expected=Expected(amount_minor=99_99),
        issued_on=NOW.date(),
        **told,
    )
    (share,) = list_invoices(scope=EVERYTHING, kind="shared")
    bill = Bill.objects.get(account_id=1, month=MAY)
    final = replace(invoice_of(bill), prepaid_minor=10_01)
    documents = [
        make_invoice_document(invoice=share),
        invoice_of(Bill.objects.get(account_id=2, month=MAY)),
        make_invoice_document(invoice=get_invoice(invoice_id=advance)),
        final,
    ]
    assert [one.type_code for one in documents] == ["380", "380", "386", "380"]
    assert documents[0].payable_minor == share.amount_minor
    for made in documents:
        assert validate_document(write_document(made, profile=PROFILES["peppol"]), rules=rules).findings == ()
        assert (
            validate_document(write_document(made, profile=PROFILES["cii"]), rules=CII_RULES).findings == ()
        )


def test_a_correction_names_the_bills_that_it_corrects(stated):
    invoice = invoice_of(Bill.objects.get(account_id=UNMETERED_HOME, month=APRIL))
    (march,) = invoice.preceding
    assert march.number == number_of(UNMETERED_HOME, MARCH)
    corrected = [line for line in invoice.lines if line.name.startswith("Correction of 2021-03")]
    assert corrected
    assert invoice.period == (MARCH, date(2021, 4, 30))


def test_quantity_times_price_is_the_line(stated):
    priced = 0
    for bill in Bill.objects.filter(month=MAY).exclude(amount_minor=0):
        for line in invoice_of(bill).lines:
            exact = Fraction(line.quantity) * Fraction(line.price) * 100 / line.price_base
            assert round_quotient(exact.numerator, exact.denominator, RoundingMode.HALF_UP) == line.net_minor
            priced += line.unit == "KWH"
    assert priced > HOMES / 2


def test_what_is_missing_is_said_with_rule_and_remedy(homes):
    bill = Bill.objects.get(account_id=1, month=MAY)
    with pytest.raises(UnableToMakeInvoice) as refusal:
        write_document(invoice_of(bill), profile=PROFILES["peppol"])
    told = refusal.value
    assert told.code == "invoice-incomplete"
    for rule in ("BR-09", "BR-CO-26", "PEPPOL-EN16931-R010", "PEPPOL-EN16931-R020"):
        assert rule in told.message
    assert "E-invoices of the supplier" in told.remedy


def test_the_pdf_carries_the_invoice_and_says_so(stated, tmp_path):
    out = tmp_path / "bill.pdf"
    call("write", number_of(1), "--pdf", "--out", str(out))
    reader = PdfReader(BytesIO(out.read_bytes()))
    (xml,) = reader.attachments["factur-x.xml"]
    assert validate_document(xml, rules=CII_RULES).findings == ()
    relations = [each.get_object()["/AFRelationship"] for each in reader.trailer["/Root"]["/AF"]]
    assert relations == ["/Alternative"]
    metadata = etree.fromstring(reader.trailer["/Root"]["/Metadata"].get_object().get_data().strip())
    texts = {each.tag: each.text for each in metadata.iter("{*}*")}
    assert (texts[f"{{{PDF_A}}}part"], texts[f"{{{PDF_A}}}conformance"]) == ("3", "A")
    told = {name: texts[f"{{{FACTUR_X}}}{name}"] for name in ("DocumentFileName", "DocumentType", "Version")}
    assert told == {"DocumentFileName": "factur-x.xml", "DocumentType": "INVOICE", "Version": "1.0"}
    assert texts[f"{{{FACTUR_X}}}ConformanceLevel"] == "EN 16931"
    declared = {each.text for each in metadata.iter("{*}namespaceURI")}
    assert FACTUR_X in declared
    again = tmp_path / "again.pdf"
    call("write", number_of(1), "--pdf", "--out", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_the_command_writes_and_validates(stated, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    european_rules(rules)
    out = tmp_path / "invoice.xml"
    call("buyer", Account.objects.get(id=1).number, *set_options(BUYER), "--from", "2021-01-01")
    call("write", number_of(1), "--out", str(out))
    assert call("validate", str(out), "--rules", str(rules)).startswith(
        "0 findings by maindoc/UBL-Invoice-2.1.xsd"
    )
    out.write_bytes(
        out.read_bytes().replace(
            b'<cbc:PayableAmount currencyID="RUB">', b'<cbc:PayableAmount currencyID="RUB">1'
        )
    )
    output = call("validate", str(out), "--rules", str(rules), exit_code=1)
    assert "fatal BR-CO-16" in output
