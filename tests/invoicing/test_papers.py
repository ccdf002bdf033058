"""The papers of invoices: PDF, tables and e-invoice say what the bills say; slips fit their paper."""

import csv
import io
from io import BytesIO

import pytest
from django.db.models import Sum
from pypdf import PdfReader

from invoicing.invoice_play import MAY, NOW, account, breaches, money_comes
from mains.billing.models import Bill
from mains.customers.models import Agreement
from mains.integrations.einvoice.queries.collective import make_collective_invoice
from mains.integrations.einvoice.queries.invoice_documents import make_invoice_document
from mains.integrations.einvoice.queries.invoices import make_signed_invoice
from mains.integrations.einvoice.queries.profiles.european import EN16931
from mains.integrations.einvoice.queries.ubl import write_ubl
from mains.invoicing.actions.advance_vat import state_advance_vat
from mains.invoicing.actions.advances import issue_advance
from mains.invoicing.actions.collective import issue_collective
from mains.invoicing.actions.following import follow_up
from mains.invoicing.actions.groups import add_member, create_group
from mains.invoicing.actions.sharing import state_shares
from mains.invoicing.queries.advance_vat import list_used_advances
from mains.invoicing.queries.advances import Expected
from mains.invoicing.queries.invoices import bills_of, get_invoice, list_invoices, list_parts
from mains.invoicing.values import Share, vat_inside
from mains.ledger.models import Posting
from mains.ledger.queries.advances import advances_left
from mains.ledger.queries.current_account import current_account
from mains.reporting.queries.bill_paper import slip
from mains.reporting.queries.bill_paper.slip import slip_text
from mains.reporting.queries.invoice_paper import bills_of_invoice_pdf, invoice_csv, invoice_pdf, invoice_xlsx
from mains.staff.values import EVERYTHING


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


def test_an_advance_states_its_vat_and_the_bill_deducts_it(billed_utility):
    provider = Agreement.objects.filter(account_id=14).first().provider_id
    state_advance_vat(
        provider_id=provider, service="electricity", rate_ppm=190_000, valid_from=MAY, actor=None, now=NOW
    )
    made = issue_advance(
        account=account(14),
        service="electricity",
        expected=Expected(amount_minor=1_000_00, quantity_micro=150_000_000),
        issued_on=NOW.date(),
        actor=None,
        now=NOW,
    )
    invoice = get_invoice(invoice_id=made)
    text = " ".join(
        page.extract_text() for page in PdfReader(BytesIO(invoice_pdf(invoice=invoice, language="en"))).pages
    )
    assert "This is no bill" in " ".join(text.split())
    assert "159.66" in text
    document = make_invoice_document(invoice=invoice)
    assert (document.type_code, document.net_minor, document.tax_minor) == ("386", 840_34, 159_66)

    bill = Bill.objects.get(account_id=14, month=MAY)
    money_comes("14", current_account(account_id=14).closing_minor - bill.amount_minor)
    money_comes(invoice.number, 1_000_00)
    follow_up(now=NOW)
    used = sum(one.used_minor for one in list_used_advances(account_id=14, bill_id=bill.id))
    assert 0 < used < 1_000_00
    final = make_signed_invoice(month=MAY, bill_id=bill.id, language="en")
    assert (final.prepaid_minor, final.payable_minor) == (used, bill.amount_minor - used)
    assert final.preceding[-1].number == invoice.number
    left = advances_left(account_ids=[14])["left_minor"].sum()
    assert left == 1_000_00 - used
    due = Posting.objects.filter(control="advance_tax").aggregate(minor=Sum("amount_minor"))["minor"]
    assert due == vat_inside(gross_minor=left, rate_ppm=190_000)
    assert breaches() == []


def test_payers_e_invoices_sum_to_the_bill_and_its_vat(billed_utility):
    shares = [Share(payer_id=15, parts_ppm=333_333), Share(payer_id=16, amount_minor=1_00)]
    state_shares(account=account(14), shares=shares, valid_from=MAY, actor=None, now=NOW)
    follow_up(now=NOW)
    bill = Bill.objects.get(account_id=14, month=MAY)
    own = make_signed_invoice(month=MAY, bill_id=bill.id, language="en")
    payers = [
        make_invoice_document(invoice=one)
        for one in list_invoices(scope=EVERYTHING, kind="shared")
        if one.source_bill_id == bill.id
    ]
    assert len(payers) == 2
    assert {one.buyer.identifier for one in payers} == {"15", "16"}
    assert sum(one.total_minor for one in (own, *payers)) == bill.amount_minor
    assert sum(one.tax_minor for one in (own, *payers)) == bill.tax_minor
    assert 1_00 in {one.payable_minor for one in payers}
    for one in (own, *payers):
        for group in one.breakdown:
            assert abs(group.tax_minor - group.taxable_minor * group.rate / 100) <= 2


@pytest.mark.parametrize("width", [32, 48])
def test_a_slip_fits_its_paper_also_with_wide_letters(billed_utility, width):
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
