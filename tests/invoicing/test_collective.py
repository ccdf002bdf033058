"""A chain of three shops, accounts 14, 15 and 16, is invoiced together; its bills stay as they are posted."""

import polars as pl
import pytest

from billing.test_runs import bill_month
from billing.test_settlement import JUNE_CLOSE
from invoicing.invoice_play import JUNE, MAY, NOW, account, breaches, money_comes
from mains.billing.actions.recalculations import recalculate_account
from mains.billing.models import Bill
from mains.invoicing.actions.collective import issue_collective, preview_collective
from mains.invoicing.actions.following import follow_up
from mains.invoicing.actions.groups import add_member, create_group, remove_member
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.models import Invoice
from mains.invoicing.queries.groups import list_members
from mains.invoicing.queries.invoices import find_invoice, get_invoice, list_parts, list_payments, standing_of
from mains.ledger.models import Entry
from mains.ledger.queries.current_account import current_account
from mains.metering.actions.findings import record_meter_error
from mains.payments.actions.reversals import reverse_receipt
from mains.payments.models import Receipt
from mains.staff.values import Scope

SHOPS = (14, 15, 16)


@pytest.fixture
def chain(billed_utility):
    group = create_group(code="shops", name="Corner Shops", payer=account(14), actor=None, now=NOW)
    for shop in SHOPS:
        add_member(
            group=group, account=account(shop), valid_from=MAY, actor=None, now=NOW, proof="Contract 7"
        )
    return group


def issued(group, month=MAY, now=NOW):
    invoice_id = issue_collective(group=group, month=month, issued_on=now.date(), actor=None, now=now)
    return get_invoice(invoice_id=invoice_id)


def owed(shop: int) -> int:
    return current_account(account_id=shop).closing_minor


def test_an_invoice_groups_the_months_bills_once_and_changes_nothing(chain):
    before = list(Entry.objects.order_by("id").values_list("id", "amount_minor"))
    seen = preview_collective(group=chain, month=MAY)
    invoice = issued(chain)
    bills = Bill.objects.filter(month=MAY, account_id__in=SHOPS)
    assert invoice.amount_minor == seen["amount_minor"].sum() == sum(bill.amount_minor for bill in bills)
    assert {part.bill_id for part in list_parts(invoice_id=invoice.id)} == {bill.id for bill in bills}
    assert list(Entry.objects.order_by("id").values_list("id", "amount_minor")) == before
    with pytest.raises(UnableToInvoice) as refused:
        issued(chain)
    assert refused.value.code == "invoice-nothing"
    assert Invoice.objects.count() == 1
    assert breaches() == []


def test_a_correction_and_the_next_month_come_on_the_next_invoice(chain):
    first = issued(chain)
    record_meter_error(
        register_id=140, percent_hundredths=-2_000, valid_from=MAY, valid_to=JUNE, proof="certificate 3",
        actor=None, now=NOW,
    )  # fmt: skip
    corrected = recalculate_account(account_id=14, now=NOW.replace(hour=11))
    assert corrected.lines["amount_minor"].sum() > 0
    bill_month(JUNE, now=JUNE_CLOSE)
    remove_member(account=account(16), valid_from=JUNE, now=JUNE_CLOSE)
    second = issued(chain, JUNE, JUNE_CLOSE)
    june = Bill.objects.filter(month=JUNE, account_id__in=(14, 15))
    assert second.amount_minor == sum(bill.amount_minor for bill in june)
    assert first.amount_minor == get_invoice(invoice_id=first.id).amount_minor
    assert [member.valid_to for member in list_members(group_id=chain.id)] == [None, None, JUNE]
    assert breaches() == []


def test_one_payment_by_the_invoices_number_covers_the_oldest_debts_of_all_accounts(chain):
    invoice = issued(chain)
    before = {shop: owed(shop) for shop in SHOPS}
    paid = sum(before.values()) - 1_23
    money_comes(f"{invoice.number}", paid)
    assert {shop: owed(shop) for shop in SHOPS} == before  # it waits in suspense for the invoice
    followed = follow_up(now=NOW)
    assert followed.taken.count == 1
    after = {shop: owed(shop) for shop in SHOPS}
    assert sum(after.values()) == 1_23
    assert sorted(after.values())[:2] == [0, 0]  # the rest is the youngest debt of one account
    (payment,) = list_payments(invoice_id=invoice.id)
    assert dict(payment.shares) == {str(shop): before[shop] - after[shop] for shop in SHOPS}
    found = get_invoice(invoice_id=invoice.id)
    assert found.paid_minor == paid
    assert standing_of(invoice=found).open_minor == 1_23
    assert follow_up(now=NOW).taken.count == 0
    assert breaches() == []


def test_what_is_paid_too_much_goes_by_what_the_invoice_asks_for_and_comes_back_whole(chain):
    invoice = issued(chain)
    before = {shop: owed(shop) for shop in SHOPS}
    receipt = money_comes(invoice.number.replace("-", " ").lower(), sum(before.values()) + 100_01)
    follow_up(now=NOW)
    assert sum(owed(shop) for shop in SHOPS) == -100_01
    assert all(owed(shop) < 0 for shop in SHOPS)
    assert standing_of(invoice=invoice).open_minor == 0
    reverse_receipt(receipt_id=receipt, reason="Bounced", business_date=NOW.date(), now=NOW)
    assert {shop: owed(shop) for shop in SHOPS} == before
    assert get_invoice(invoice_id=invoice.id).paid_minor == 0
    assert breaches() == []


def test_money_that_names_two_invoices_or_a_wrong_digit_stays_in_suspense(chain):
    invoice = issued(chain)
    digit = str((int(invoice.number[-1]) + 1) % 10)
    for reference in (invoice.number[:-1] + digit, f"CI-{9_999_999}"):
        money_comes(reference, 10_00)
    assert follow_up(now=NOW).taken.count == 0
    assert Receipt.objects.filter(account_id=None).count() == 2
    assert breaches() == []


def test_people_of_another_unit_do_not_see_it(chain):
    invoice = issued(chain)
    own = Scope(organisation_ids=frozenset({chain.organisation_id}), permissions=frozenset())
    other = Scope(organisation_ids=frozenset({chain.organisation_id + 1}), permissions=frozenset())
    assert find_invoice(invoice_id=invoice.id, scope=own) is not None
    assert find_invoice(invoice_id=invoice.id, scope=other) is None


def test_parts_are_told_by_account_and_service(chain):
    invoice = issued(chain)
    parts = list_parts(invoice_id=invoice.id)
    assert [part.account_number for part in parts] == ["14", "15", "16"]
    assert all(part.address for part in parts)
    assert pl.Series([part.amount_minor for part in parts]).sum() == invoice.amount_minor
