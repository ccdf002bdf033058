"""An advance invoice is nobody's debt; what is paid for it waits on its own control account until bills use it."""

import random
from datetime import date, timedelta

import pytest

from billing.test_runs import bill_month
from billing.test_settlement import JUNE_CLOSE
from invoicing.invoice_play import JUNE, NOW, account, breaches, money_comes
from mains.billing.models import Bill
from mains.invoicing.actions.advances import cancel_advance, issue_advance
from mains.invoicing.actions.following import follow_up
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.queries.advances import Expected, expect_use
from mains.invoicing.queries.invoices import get_invoice, standing_of
from mains.ledger.actions.advances import draw_advances
from mains.ledger.models import AdvanceMovement, Entry, Posting, Transaction
from mains.ledger.queries.advances import advance_totals, advance_use_of_bill
from mains.ledger.queries.current_account import current_account
from mains.payments.actions.reversals import reverse_receipt
from mains.reporting.queries.bill_paper import bill_texts


def owed(number: int) -> int:
    return current_account(account_id=number).closing_minor


def asked(minor: int = 500_00, number: int = 14):
    invoice_id = issue_advance(
        account=account(number),
        service="electricity",
        expected=Expected(amount_minor=minor),
        issued_on=NOW.date(),
        actor=None,
        now=NOW,
    )
    return get_invoice(invoice_id=invoice_id)


def control() -> int:
    return sum(Posting.objects.filter(control="advances").values_list("amount_minor", flat=True))


def pay_all(number: int) -> None:
    money_comes(str(number), owed(number))


def test_asking_posts_nothing_and_paying_keeps_an_advance(billed_utility):
    pay_all(14)
    counts = Transaction.objects.count(), Entry.objects.count()
    invoice = asked()
    assert (Transaction.objects.count(), Entry.objects.count()) == counts
    assert standing_of(invoice=invoice).open_minor == 500_00
    money_comes(invoice.number, 500_00)
    follow_up(now=NOW)
    assert owed(14) == 0  # it is no credit of the account
    assert control() == -500_00
    standing = standing_of(invoice=invoice)
    assert (standing.open_minor, standing.used_minor, standing.left_minor) == (0, 0, 500_00)
    assert breaches() == []


def test_the_next_bill_uses_the_advance_and_says_so(billed_utility):
    pay_all(14)
    invoice = asked(50_00)
    money_comes(invoice.number, 50_00)
    follow_up(now=NOW)
    bill_month(JUNE, now=JUNE_CLOSE)
    bill = Bill.objects.get(month=JUNE, account_id=14)
    follow_up(now=JUNE_CLOSE)
    assert owed(14) == bill.amount_minor - 50_00
    found = advance_use_of_bill(account_id=14, bill_id=bill.id)
    assert (found.used_minor, found.left_minor) == (50_00, 0)
    notes = bill_texts(month=JUNE, bill_id=bill.id, language="en")["notes"]
    assert any("Advance used" in note and "50.00" in note for note in notes)
    assert follow_up(now=JUNE_CLOSE).drawn.count == 0
    assert control() == 0
    assert breaches() == []


def test_an_advance_is_for_its_service_and_goes_to_the_oldest_debt(billed_utility):
    before = owed(14)
    assert before > 0
    invoice = asked(before + 7)
    money_comes(invoice.number, before + 7)
    follow_up(now=NOW)
    assert owed(14) == 0
    assert standing_of(invoice=invoice).left_minor == 7
    with pytest.raises(UnableToInvoice) as refused:
        issue_advance(
            account=account(14), service="gas", expected=Expected(amount_minor=1),
            issued_on=NOW.date(), actor=None, now=NOW,
        )  # fmt: skip
    assert refused.value.code == "advance-service"


def test_money_that_goes_back_takes_the_rest_first_and_then_the_last_uses(billed_utility):
    before = owed(14)
    invoice = asked(before + 100_00)
    receipt = money_comes(invoice.number, before + 100_00)
    follow_up(now=NOW)
    assert (owed(14), control()) == (0, -100_00)
    due = set(Entry.objects.filter(account_id=14, kind="bill").values_list("due_date", flat=True))
    reverse_receipt(receipt_id=receipt, reason="Bounced", business_date=NOW.date(), now=NOW)
    assert (owed(14), control()) == (before, 0)
    again = Entry.objects.filter(account_id=14, kind="advance", amount_minor__gt=0)
    assert set(again.values_list("due_date", flat=True)) <= due
    assert draw_advances(now=NOW).count == 0
    assert breaches() == []


def test_a_cancelled_advance_takes_no_money_and_a_paid_one_is_not_cancelled(billed_utility):
    invoice = asked()
    cancel_advance(invoice_id=invoice.id, reason="Asked for by mistake", actor=None, now=NOW)
    money_comes(invoice.number, 500_00)
    assert follow_up(now=NOW).taken.count == 0
    paid = asked(10_00)
    money_comes(paid.number, 10_00)
    follow_up(now=NOW)
    for wrong in (invoice, paid):
        with pytest.raises(UnableToInvoice) as refused:
            cancel_advance(invoice_id=wrong.id, reason="Again", actor=None, now=NOW)
        assert refused.value.code == "advance-not-open"
    assert breaches() == []


def test_expected_use_is_priced_by_the_tariff_in_force(billed_utility):
    found = expect_use(
        account_id=14, service="electricity", quantity_micro=200_000_000, months=3,
        on_date=date(2021, 6, 10), now=NOW,
    )  # fmt: skip
    # 150 kWh at 3.29 and 50 at 4.57, and the standing charge of 12.50; VAT is in the prices.
    assert found.quantity_micro == 600_000_000
    assert found.amount_minor == 3 * (150 * 329 + 50 * 457 + 1250)


def test_whatever_comes_what_is_used_and_what_is_left_is_what_was_paid(billed_utility):
    chance = random.Random(20210610)
    invoices = []
    for step in range(14):
        number = chance.choice((14, 15, 16))
        if step % 2 == 0:
            invoice = asked(chance.randint(1, 900_00), number)
            invoices.append(invoice.id)
            money_comes(invoice.number, chance.randint(1, 900_00))
        else:
            money_comes(str(number), chance.randint(1, 200_00))
        if chance.random() < 0.6:
            follow_up(now=NOW + timedelta(minutes=step))
    follow_up(now=NOW + timedelta(hours=1))
    bill_month(JUNE, now=JUNE_CLOSE)
    follow_up(now=JUNE_CLOSE)
    paid = dict.fromkeys(invoices, 0)
    for movement in AdvanceMovement.objects.filter(kind="paid"):
        paid[movement.advance_id] += movement.amount_minor
    totals = advance_totals(advance_ids=invoices)
    assert {key: used + left for key, (_paid, used, left) in totals.items()} == paid
    assert all(min(total) >= 0 for total in totals.values())
    assert control() == -sum(left for _paid, _used, left in totals.values())
    assert breaches() == []
