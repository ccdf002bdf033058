"""Accounts that get one invoice every few months: months are charged as always, and asked for later."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from billing.test_recalculation import another_resident
from billing.test_runs import bill_month
from billing.test_settlement import JUNE_CLOSE, moved
from billing.test_settlement import NOW as MOVED
from invoicing.invoice_play import JUNE, NOW, account, breaches, money_comes
from mains.billing.actions.recalculations import recalculate_account
from mains.billing.models import Bill
from mains.debt.queries.basis import basis_of_interest, read_facts
from mains.invoicing.actions.collective import preview_collective
from mains.invoicing.actions.following import follow_up
from mains.invoicing.actions.groups import add_member, create_group
from mains.invoicing.actions.intervals import state_account_interval, state_class_interval
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.actions.sharing import state_shares
from mains.invoicing.models import DeferredBill
from mains.invoicing.queries.intervals import list_held_bills, list_waiting_spans
from mains.invoicing.queries.invoices import get_invoice, list_invoices, list_parts, standing_of
from mains.invoicing.values import Interval, Share
from mains.kernel.invoice_numbers import parse_invoice_number
from mains.ledger.models import Deferral
from mains.ledger.queries.current_account import current_account
from mains.ledger.queries.deferrals import due_parts
from mains.ledger.queries.open_items import open_items
from mains.staff.values import EVERYTHING

JULY = date(2021, 7, 1)
JULY_CLOSE = datetime(2021, 8, 5, tzinfo=UTC)
CLOSES = {JUNE: JUNE_CLOSE, JULY: JULY_CLOSE}


def quarterly(number: int = 14, **told: object) -> None:
    usual: dict[str, object] = {"months": 3, "valid_from": JUNE, "now": NOW}
    state_account_interval(account=account(number), actor=None, **(usual | told))


def go_on(*months: date) -> None:
    for month in months:
        bill_month(month, now=CLOSES[month])
        follow_up(now=CLOSES[month])


def period_invoices(number: int = 14):
    return list_invoices(scope=EVERYTHING, kind="period", account_id=number)


def due_now(number: int, day: date) -> int:
    parts = due_parts(open_items(account_ids=[number]), on_date=day)
    return int(parts.filter(parts["due_date"] <= day)["outstanding_minor"].sum())


@pytest.mark.parametrize(
    ("months", "closes_in", "valid_to", "month", "closing"),
    [
        (3, "2021-08-01", None, "2021-06-01", "2021-08-01"),
        (3, "2021-08-01", None, "2021-08-01", "2021-08-01"),
        (3, "2021-08-01", None, "2021-09-01", "2021-11-01"),
        (12, "2020-03-01", None, "2021-12-01", "2022-03-01"),
        (6, "2021-12-01", "2021-09-01", "2021-07-01", "2021-08-01"),  # it holds through August
        (6, "2021-12-01", "2021-09-15", "2021-07-01", "2021-08-01"),  # September ends without it
        (6, "2021-12-01", "2021-09-30", "2021-08-01", "2021-08-01"),
        (6, "2021-12-01", "2021-10-01", "2021-08-01", "2021-09-01"),
    ],
)
def test_the_month_for_which_an_invoice_is_drawn_up(months, closes_in, valid_to, month, closing):
    interval = Interval(
        months=months,
        closes_in=date.fromisoformat(closes_in),
        valid_to=date.fromisoformat(valid_to) if valid_to else None,
    )
    assert interval.closing(date.fromisoformat(month)) == date.fromisoformat(closing)


def test_months_are_charged_as_always_and_asked_for_together(billed_utility):
    money_comes("12", current_account(account_id=12).closing_minor)
    quarterly(12, months=2, instalments={"electricity": 10_00})
    go_on(JUNE)
    june = Bill.objects.get(month=JUNE, account_id=12)
    assert current_account(account_id=12).closing_minor == june.amount_minor  # charged
    assert due_now(12, june.due_on) == 0  # and not due with June's run
    assert [(span.closing, span.bills) for span in list_waiting_spans(scope=EVERYTHING)] == [(JULY, 1)]
    (advance,) = list_invoices(scope=EVERYTHING, kind="advance", account_id=12)
    assert (advance.amount_minor, advance.due_on) == (10_00, june.due_on)
    money_comes(advance.number, 10_00, on="2021-07-02", now=JUNE_CLOSE)
    another_resident(12, since=date(2021, 3, 20), now=JUNE_CLOSE.replace(hour=10))
    recalculate_account(account_id=12, now=JUNE_CLOSE.replace(hour=11))
    follow_up(now=JUNE_CLOSE.replace(hour=12))
    assert period_invoices(12) == []

    go_on(JULY)
    (invoice,) = period_invoices(12)
    assert len(list_invoices(scope=EVERYTHING, kind="advance", account_id=12)) == 1  # none for the last month
    bills = Bill.objects.filter(account_id=12, month__gte=JUNE)
    assert len(bills) == 3  # a correction goes with the span in which it is posted
    assert invoice.amount_minor == sum(bill.amount_minor for bill in bills)
    assert {part.bill_id for part in list_parts(invoice_id=invoice.id)} == {bill.id for bill in bills}
    assert (invoice.month, invoice.due_on) == (JULY, max(bill.due_on for bill in bills))
    assert parse_invoice_number(invoice.number) == ("period", invoice.id)
    assert standing_of(invoice=invoice).open_minor == invoice.amount_minor - 10_00
    assert due_now(12, invoice.due_on) == invoice.amount_minor - 10_00
    assert list_held_bills() == []
    assert not Deferral.objects.filter(account_id=15).exists()

    facts = read_facts(account_ids=[12])  # interest runs from the invoice's due date
    items = basis_of_interest(facts, until=date(2021, 9, 30)).items
    since_june = items.filter(pl.col("due_date") > june.due_on)
    assert set(since_june["due_date"]) == {invoice.due_on}
    assert since_june["amount_minor"].sum() == invoice.amount_minor

    money_comes(invoice.number, invoice.amount_minor - 10_00, on="2021-08-05", now=JULY_CLOSE)
    follow_up(now=JULY_CLOSE)
    assert standing_of(invoice=get_invoice(invoice_id=invoice.id)).open_minor == 0
    assert current_account(account_id=12).closing_minor == 0
    assert len(period_invoices(12)) == 1
    assert breaches() == []


def test_a_class_waits_and_another_interval_ends_a_span(billed_utility):
    group = create_group(code="shops", name="Shops", payer=account(15), actor=None, now=NOW)
    add_member(group=group, account=account(15), valid_from=JUNE, actor=None, now=NOW)
    state_account_interval(account=account(16), months=1, valid_from=JUNE, actor=None, now=NOW)
    state_shares(
        account=account(17), shares=[Share(payer_id=14, parts_ppm=1)], valid_from=JUNE, actor=None, now=NOW
    )
    for category in ("household", "commercial", "large_family", "lifeline"):
        state_class_interval(category=category, months=3, valid_from=JUNE, actor=None, now=NOW)
    quarterly(months=6)
    go_on(JUNE)
    held = set(DeferredBill.objects.values_list("account_id", flat=True))
    assert 14 in held
    assert len(held) > 300
    assert not held & {15, 16, 17}
    assert preview_collective(group=group, month=JUNE)["bill_id"].n_unique() == 1

    quarterly(valid_from=JULY, now=JUNE_CLOSE, proof="Letter")
    go_on(JULY)
    (invoice,) = list_invoices(scope=EVERYTHING, kind="period")  # June alone: its interval has ended with it
    assert {(part.account_id, part.bill_month) for part in list_parts(invoice_id=invoice.id)} == {(14, JUNE)}
    assert [bill.closing for bill in list_held_bills(account_id=14)] == [date(2021, 9, 1)]
    assert breaches() == []


def test_refusals_and_the_final_bill_at_once(billed_utility):
    with pytest.raises(UnableToInvoice) as refused:
        quarterly(valid_from=date(2021, 5, 1))
    assert refused.value.code == "interval-billed"
    with pytest.raises(UnableToInvoice) as refused:
        quarterly(months=40)
    assert refused.value.code == "interval-months"
    with pytest.raises(UnableToInvoice) as refused:
        quarterly(instalments={"gas": 10_00})
    assert refused.value.code == "interval-instalment"
    quarterly()
    group = create_group(code="shops", name="Shops", payer=account(15), actor=None, now=NOW)
    with pytest.raises(UnableToInvoice) as refused:
        add_member(group=group, account=account(14), valid_from=JUNE, actor=None, now=NOW)
    assert refused.value.code == "group-interval"
    with pytest.raises(UnableToInvoice) as refused:
        state_shares(
            account=account(14),
            shares=[Share(payer_id=15, parts_ppm=1)],
            valid_from=JUNE,
            actor=None,
            now=NOW,
        )
    assert refused.value.code == "shares-interval"

    final = moved()  # the account moves out in June: nothing more is to come
    follow_up(now=MOVED)
    (invoice,) = period_invoices()
    assert [part.bill_id for part in list_parts(invoice_id=invoice.id)] == [final.bill_id]
    assert breaches() == []
