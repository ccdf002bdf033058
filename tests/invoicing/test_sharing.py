"""Account 14's bills are shared with the owner (15) and the town (16): each owes its own part, and only that."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.invoice_play import MAY, NOW, account, breaches, money_comes
from mains.billing.actions.recalculations import recalculate_account
from mains.billing.models import Bill, BillLine
from mains.invoicing.actions.following import follow_up
from mains.invoicing.actions.refusals import UnableToInvoice
from mains.invoicing.actions.sharing import share_bills, state_shares
from mains.invoicing.models import Invoice
from mains.invoicing.queries.invoices import get_invoice, standing_of
from mains.invoicing.values import Charge, Part, Share, divide_bill
from mains.ledger.actions.reallocation import reallocate
from mains.ledger.models import Allocation
from mains.ledger.queries.current_account import current_account
from mains.ledger.queries.open_items import open_items
from mains.metering.actions.findings import record_meter_error

OWNER, CITY = 15, 16
minors = st.integers(-(10**12), 10**12)


def owed(number: int) -> int:
    return current_account(account_id=number).closing_minor


@given(
    amounts=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), minors), min_size=1, max_size=8
    ),
    parts=st.lists(
        st.tuples(st.sampled_from(["", "a"]), st.sampled_from(["", "x"]), st.integers(1, 250_000)), max_size=4
    ),
    fixed=st.lists(st.integers(1, 10**9), max_size=2),
)
def test_shares_sum_to_the_bill_by_service_whatever_they_are(amounts, parts, fixed):
    shares = tuple(
        Share(payer_id=payer, parts_ppm=ppm, service=service, component=component)
        for payer, (service, component, ppm) in enumerate(parts, start=2)
    )
    charges = [
        Charge(provider_id=1, service=service, component=component, amount_minor=minor, shares=shares)
        for service, component, minor in amounts
    ]
    amount_shares = [Share(payer_id=20 + place, amount_minor=minor) for place, minor in enumerate(fixed)]
    divided = divide_bill(charges, own_id=1, fixed=amount_shares)
    for service in "ab":
        total = sum(minor for one, _component, minor in amounts if one == service)
        assert sum(minor for part, minor in divided.items() if part.service == service) == total
    for share in amount_shares:
        taken = [minor for part, minor in divided.items() if part.payer_id == share.payer_id]
        assert 0 <= sum(taken) <= share.amount_minor


@given(total=st.integers(-(10**14), 10**14), first=st.integers(0, 10**6), second=st.integers(0, 10**6))
def test_no_share_is_a_whole_unit_away_from_its_exact_part(total, first, second):
    first, second = first // 2, second // 2
    charge = Charge(
        provider_id=1,
        service="a",
        component="x",
        amount_minor=total,
        shares=(Share(payer_id=2, parts_ppm=first or 1), Share(payer_id=3, parts_ppm=second or 1)),
    )
    divided = divide_bill([charge], own_id=1)
    for payer, ppm in ((2, first or 1), (3, second or 1)):
        exact = Fraction(total * ppm, 10**6)
        assert abs(divided.get(Part(payer, 1, "a"), 0) - exact) < 1


def test_the_closest_rule_for_a_charge_counts():
    shares = (
        Share(payer_id=2, parts_ppm=500_000),
        Share(payer_id=3, parts_ppm=1_000_000, service="water"),
        Share(payer_id=4, parts_ppm=250_000, service="water", component="drain"),
    )
    charges = [
        Charge(provider_id=1, service=service, component=component, amount_minor=100, shares=shares)
        for service, component in (("power", "supply"), ("water", "supply"), ("water", "drain"))
    ]
    assert divide_bill(charges, own_id=1) == {
        Part(2, 1, "power"): 50,
        Part(1, 1, "power"): 50,
        Part(3, 1, "water"): 100,
        Part(4, 1, "water"): 25,
        Part(1, 1, "water"): 75,
    }


@pytest.fixture
def shared(billed_utility):
    state_shares(
        account=account(14),
        shares=[
            Share(payer_id=OWNER, parts_ppm=333_333),
            Share(payer_id=CITY, amount_minor=50_00),
        ],
        valid_from=MAY,
        actor=None,
        now=NOW,
        proof="Contract 9",
    )


def test_each_payer_owes_its_own_part_with_an_invoice_of_its_own(shared):
    bill = Bill.objects.get(month=MAY, account_id=14)
    before = {number: owed(number) for number in (14, OWNER, CITY)}
    open_before = open_items(account_ids=[14])
    followed = follow_up(now=NOW)
    assert (followed.shared.bills, followed.shared.invoices) == (1, 2)
    city = 50_00
    # Of the charges of May alone: no shares are stated for the months that the bill corrects.
    lines = BillLine.objects.filter(month=MAY, bill_id=bill.id, service_month=MAY).exclude(
        kind="tax_included"
    )
    of_may = sum(lines.values_list("amount_minor", flat=True))
    owner = round(Fraction(333_333 * of_may * (bill.amount_minor - city), 10**6 * bill.amount_minor))
    assert owed(CITY) - before[CITY] == city
    assert owed(OWNER) - before[OWNER] == owner
    assert before[14] - owed(14) == owner + city
    # The older debts of the account stay open as they were: what was passed on covers this bill.
    after = open_items(account_ids=[14])
    assert after.filter(after["business_date"] < MAY).equals(
        open_before.filter(open_before["business_date"] < MAY)
    )
    for invoice in [get_invoice(invoice_id=row.pk) for row in Invoice.objects.all()]:
        assert (invoice.source_bill_id, invoice.due_on) == (bill.id, bill.due_on)
        assert standing_of(invoice=invoice).open_minor == invoice.amount_minor
    assert share_bills(now=NOW).bills == 0
    count = Allocation.objects.count()
    assert reallocate(account_ids=[14, OWNER, CITY], now=NOW).count == 0
    assert Allocation.objects.count() == count
    assert breaches() == []


def test_who_does_not_pay_leaves_the_others_alone(shared):
    follow_up(now=NOW)
    city = Invoice.objects.get(account_id=CITY)
    before = {number: owed(number) for number in (14, OWNER, CITY)}
    money_comes(get_invoice(invoice_id=city.pk).number, owed(CITY))
    follow_up(now=NOW)
    assert owed(CITY) == 0
    assert (owed(14), owed(OWNER)) == (before[14], before[OWNER])
    assert breaches() == []


def test_a_correction_is_shared_by_the_shares_of_its_own_month(shared):
    follow_up(now=NOW)
    state_shares(account=account(14), shares=[], valid_from=date(2021, 6, 1), actor=None, now=NOW)
    record_meter_error(
        register_id=140, percent_hundredths=-2_000, valid_from=date(2021, 4, 1), valid_to=date(2021, 6, 1),
        proof="certificate 3", actor=None, now=NOW,
    )  # fmt: skip
    found = recalculate_account(account_id=14, now=NOW.replace(hour=12))
    of_may = sum(
        row["amount_minor"]
        for row in found.lines.iter_rows(named=True)
        if row["service_month"] == MAY and row["kind"] != "tax_included"
    )
    assert of_may > 0
    before = owed(OWNER)
    follow_up(now=NOW.replace(hour=13))
    assert owed(OWNER) - before == round(Fraction(333_333, 10**6) * of_may)
    assert Invoice.objects.filter(account_id=CITY).count() == 1  # a fixed amount is of the month's own bill
    assert breaches() == []


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ([Share(payer_id=14, parts_ppm=1)], "shares-self"),
        ([Share(payer_id=15, parts_ppm=600_000), Share(payer_id=16, parts_ppm=400_001)], "shares-whole"),
        ([Share(payer_id=15, parts_ppm=0)], "shares-amount"),
        ([Share(payer_id=15, parts_ppm=5, amount_minor=5)], "shares-amount"),
        ([Share(payer_id=15, amount_minor=5, component="supply")], "shares-amount"),
    ],
)
def test_shares_that_are_none_are_refused(billed_utility, shares, code):
    with pytest.raises(UnableToInvoice) as refused:
        state_shares(account=account(14), shares=shares, valid_from=MAY, actor=None, now=NOW)
    assert refused.value.code == code
