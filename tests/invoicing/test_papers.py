"""The papers of invoices: PDF, tables and e-invoice say what the bills say; slips fit their paper."""

import csv
import io
from io import BytesIO

import pytest
from pypdf import PdfReader

from invoicing.invoice_play import MAY, NOW, account
from mains.integrations.einvoice.queries.collective import make_collective_invoice
from mains.integrations.einvoice.queries.invoices import make_signed_invoice
from mains.integrations.einvoice.queries.profiles.european import EN16931
from mains.integrations.einvoice.queries.ubl import write_ubl
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice
from mains.invoicing.actions.advances import issue_advance
from mains.invoicing.actions.collective import issue_collective
from mains.invoicing.actions.groups import add_member, create_group
from mains.invoicing.queries.advances import Expected
from mains.invoicing.queries.invoices import bills_of, get_invoice, list_parts
from mains.reporting.queries.bill_paper import slip
from mains.reporting.queries.bill_paper.slip import slip_text
from mains.reporting.queries.invoice_paper import bills_of_invoice_pdf, invoice_csv, invoice_pdf, invoice_xlsx


@pytest.fixture
def invoice(billed_utility):
    group = create_group(code="shops", name="Corner Shops", payer=account(14), actor=None, now=NOW)
    for shop in (14, 15, 16):
        add_member(group=group, account=account(shop), valid_from=MAY, actor=None, now=NOW)
    made = issue_collective(group=group, month=MAY, issued_on=NOW.date(), actor=None, now=NOW)
    return get_invoice(invoice_id=made)


def test_the_pdf_has_the_number_every_account_and_the_sum(invoice):
    pdf = invoice_pdf(invoice=invoice, language="en")
    assert pdf == invoice_pdf(invoice=invoice, language="en")
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    assert invoice.number in text
    assert all(number in text for number in ("14", "15", "16"))
    assert f"{invoice.amount_minor / 100:,.2f}" in text
    bills = PdfReader(BytesIO(bills_of_invoice_pdf(invoice=invoice, language="en")))
    assert len(bills.pages) >= 3


def test_tables_sum_to_the_invoice(invoice):
    rows = list(csv.reader(io.StringIO(invoice_csv(invoice=invoice).decode("utf-8-sig"))))
    assert sum(round(float(row[-1]) * 100) for row in rows[1:-1]) == invoice.amount_minor
    assert round(float(rows[-1][-1]) * 100) == invoice.amount_minor
    assert invoice_xlsx(invoice=invoice).startswith(b"PK")


def test_the_e_invoice_has_all_lines_by_account_and_asks_for_what_the_bills_do(invoice):
    made = make_collective_invoice(invoice=invoice)
    parts = list_parts(invoice_id=invoice.id)
    singles = [
        make_signed_invoice(month=month, bill_id=bill, language="en") for month, bill in bills_of(parts)
    ]
    assert made.payable_minor == invoice.amount_minor == sum(one.payable_minor for one in singles)
    assert len(made.lines) == sum(len(one.lines) for one in singles)
    assert [line.identifier for line in made.lines] == [str(n) for n in range(1, len(made.lines) + 1)]
    assert {line.note.split()[0] for line in made.lines} == {"14", "15", "16"}
    assert (made.number, made.payment.reference) == (invoice.number, invoice.number)
    assert sum(group.tax_minor for group in made.breakdown) == sum(one.tax_minor for one in singles)
    assert invoice.number.encode() in write_ubl(made, specification=EN16931.specification)


def test_an_advance_is_no_e_invoice_and_says_that_it_is_no_bill(billed_utility):
    made = issue_advance(
        account=account(14),
        service="electricity",
        expected=Expected(amount_minor=500_00, quantity_micro=150_000_000),
        issued_on=NOW.date(),
        actor=None,
        now=NOW,
    )
    invoice = get_invoice(invoice_id=made)
    text = "".join(
        page.extract_text() for page in PdfReader(BytesIO(invoice_pdf(invoice=invoice, language="en"))).pages
    )
    assert "This is no bill" in " ".join(text.split())
    with pytest.raises(UnableToMakeInvoice) as refused:
        make_collective_invoice(invoice=invoice)
    assert refused.value.code == "invoice-not-collective"


@pytest.mark.parametrize("width", [32, 48])
def test_a_slip_fits_its_paper_also_with_wide_letters(billed_utility, width):
    from mains.billing.models import Bill

    bill = Bill.objects.get(account_id=14, month=MAY)
    text = slip(month=MAY, bill_id=bill.id, width=width, language="en")
    assert max(len(line) for line in text.splitlines()) <= width
    assert "Amount to pay" in text
    wide = slip_text(
        {
            "supplier": {"name": "城市供电公司" * 6},
            "title": "账单",
            "month": "2021",
            "labels": {"bill": "1", "corrections": "c"},
            "customer": {"name": "王", "address": ["长" * 40], "facts": [["户号" * 12, "1" * 20]]},
            "readings": [],
            "sections": [],
            "corrections": [],
            "pay": {"heading": "应付", "amount": "1.00", "notes": []},
            "notes": [],
        },
        width=width,
    )
    assert (
        max(sum(2 if ord(letter) > 0x2E80 else 1 for letter in line) for line in wide.splitlines()) <= width
    )
