"""A cashier's day in a browser, by the keyboard alone, and the pages of shifts, receipts and supervisors."""

import re
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from mains.cashdesk.actions.desks import add_desk
from mains.cashdesk.actions.movements import fill_safe
from mains.cashdesk.actions.shifts import Count, open_shift
from mains.cashdesk.models import CashDesk, CashMovement, DeskPayment, DeskVoid, Shift
from mains.cashdesk.queries.invariants import find_breaches
from mains.customers.models import Account
from mains.ledger.queries.current_account import balance_of
from mains.payments.models import ReceiptReversal
from mains.reporting.queries.bill_paper.payment_codes import Payment, Standard, make_code
from mains.reporting.queries.bill_paper.registry import Payee
from mains.staff.models import Assignment, Organisation, User
from mains.staff.values import EVERYTHING

NOW = datetime(2021, 6, 7, 0, 0, tzinfo=UTC)


@pytest.fixture
def live_server(own_office):
    """The office over HTTP on a copy of the demo utility."""
    from pytest_django.live_server_helper import LiveServer

    server = LiveServer("localhost")
    yield server
    server.stop()


def accounts_within(unit: Organisation, count: int) -> list[Account]:
    """Accounts below the unit that owe something, those that owe most first."""
    from mains.staff.queries.rights import subtree_of

    units = subtree_of(organisation_ids=[unit.pk], on_date=date(2021, 6, 7))
    found = Account.objects.filter(organisation_id__in=units)
    owing = [(balance_of(account_id=account.pk), account) for account in found[:200]]
    chosen = sorted((pair for pair in owing if pair[0] > 0), key=lambda pair: -pair[0])[:count]
    assert len(chosen) == count
    return [account for _owed, account in chosen]


@pytest.fixture
def desk(own_office) -> CashDesk:
    """The desk of the cashier's centre, with 1,000.00 in its safe."""
    unit = Assignment.objects.get(user__username=own_office.people["cashier"]).organisation
    fill_safe(
        organisation_id=unit.pk, amount_minor=100_000, key="safe-of-test", now=NOW, reason="", actor_id=None
    )
    return add_desk(code="C-1", name="Window 1", organisation_id=unit.pk, void_limit_minor=100)


@pytest.fixture
def shift(own_office, desk) -> Shift:
    cashier = User.objects.get(username=own_office.people["cashier"])
    return open_shift(
        desk_id=desk.pk,
        count=Count(),
        from_safe_minor=0,
        reason="",
        now=NOW,
        actor_id=cashier.pk,
        scope=EVERYTHING,
    )


@pytest.fixture
def cashier(own_office) -> Client:
    client = own_office.sign_in("cashier")
    client.cookies["django_language"] = "en"
    return client


def take(client: Client, account: Account, *, key: str = "form-0001", amount: str = "100", **told: str):
    """Send the counter's form for one account."""
    sent = {
        "key": key,
        "account": account.pk,
        "amount": amount,
        "seen": balance_of(account_id=account.pk),
        "bill": "",
        "means": "cash",
        "tendered": "=",
        "do": "take",
    }
    return client.post("/desk/", sent | told)


def gost_of(account: Account, minor: int) -> str:
    """The code of a bill of the account, as bills print it."""
    payee = Payee(
        name="АО «Энерго»",
        tax_number="9100000018",
        bank_name="Банк",
        bank_code="043500001",
        bank_account="40702810800000000001",
        correspondent_account="30101810100000000001",
    )
    payment = Payment(
        payee=payee, currency="RUB", amount_minor=minor, account_number=account.number, bill_number="2105-7841",
        month=date(2021, 5, 1), due_on=date(2021, 6, 10), purpose="Счёт",
    )  # fmt: skip
    return make_code(Standard.GOST, payment).payload


@pytest.mark.browser
def test_a_cashiers_day_by_keyboard_alone(own_office, desk, live_server, open_page) -> None:
    first, second, third = accounts_within(desk.organisation, 3)
    page: Page = open_page("/sign-in/?next=/desk/")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
    keys = page.keyboard
    page.get_by_label("Username").focus()
    keys.type(own_office.people["cashier"])
    keys.press("Tab")
    keys.type("meter-17-blue")
    keys.press("Enter")

    # The shift: five notes of 100 from the safe. The count is focused, Enter walks down the notes.
    page.wait_for_url("**/desk/open/")
    for _note in (5000, 2000, 1000, 500, 200):
        keys.press("Enter")
    keys.type("5")
    expect(page.locator("[data-counted]")).to_contain_text("500.00")
    while page.evaluate("document.activeElement.id") != "from-safe":
        keys.press("Tab")
    keys.type("500")
    keys.press("Enter")
    page.wait_for_url("**/desk/")

    # A scanned bill and an account typed by number: one customer pays both in cash.
    search = page.locator("#desk-search")
    expect(search).to_be_focused()
    keys.insert_text(gost_of(first, balance_of(account_id=first.pk)))
    keys.press("Enter")
    expect(page.locator(".desk-row")).to_have_count(1)
    expect(search).to_be_focused()
    keys.type(second.number)
    keys.press("Enter")
    expect(page.locator(".desk-row")).to_have_count(2)
    keys.press("Enter")
    expect(page.locator("#desk-tendered")).to_be_focused()
    owed = sum(balance_of(account_id=one.pk) for one in (first, second))
    keys.type(str(owed // 100 + 1))
    change = f"{(owed // 100 + 1) * 100 - owed}"
    expect(page.locator("[data-change-shown]")).to_contain_text(
        change.zfill(3)[:-2] + "." + change.zfill(2)[-2:]
    )
    with page.expect_response(re.compile(r"/slip\.svg$")) as slip:
        keys.press("Enter")
    assert slip.value.body().startswith(b"<svg")
    expect(page.locator("[data-change]")).to_contain_text(change.zfill(3)[:-2] + "." + change.zfill(2)[-2:])
    assert [balance_of(account_id=one.pk) for one in (first, second)] == [0, 0]

    # The next pays by card: F8, the slip's number, F9.
    expect(search).to_be_focused()
    keys.type(third.number)
    keys.press("Enter")
    expect(page.locator(".desk-row")).to_have_count(1)
    keys.press("F8")
    expect(page.locator("#desk-slip")).to_be_focused()
    keys.type("0042")
    keys.press("F9")
    expect(page.locator("[data-desk-done]")).to_contain_text("C-1-2")
    assert DeskPayment.objects.get(number=2).slip == "0042"

    # What the printer gets is the slip and nothing else.
    page.evaluate("document.body.classList.add('prints-slip')")
    page.emulate_media(media="print")
    expect(page.locator(".desk-paper")).to_be_visible()
    expect(search).to_be_hidden()
    page.emulate_media(media="screen")

    # The shift is closed by the count; 1.00 is missing, so it asks for a reason.
    page.goto(f"/desk/shifts/{Shift.objects.get().pk}/close/")
    taken = Count(pieces={10_000: 5}).total_minor + owed
    notes = dict.fromkeys((500000, 200000, 100000, 50000, 20000, 10000, 5000, 1000, 500, 200, 100, 50, 10), 0)
    rest = taken - 100
    for minor in notes:
        notes[minor], rest = divmod(rest, minor)
    expect(page.locator("[data-minor]").first).to_be_focused()
    for pieces in notes.values():
        keys.type(str(pieces))
        keys.press("Enter")
    expect(page.locator("#reason")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_text(re.compile(r"^Short by"))).to_be_visible()
    page.locator("#reason").focus()
    keys.type("Change given wrongly")
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/desk/shifts/\d+/$"))
    closed = Shift.objects.get()
    assert closed.counted_minor == taken - 100 - rest
    assert CashMovement.objects.get(kind="short").reason == "Change given wrongly"
    assert find_breaches() == []


def test_the_form_sent_twice_is_one_payment_and_said(cashier, shift) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    first = take(cashier, account)
    assert first.status_code == 302
    again = cashier.get(take(cashier, account)["Location"]).content.decode()
    assert "This form was sent before" in again
    assert DeskPayment.objects.count() == 1
    other = take(cashier, account, amount="99").content.decode()
    assert "This form was sent before with something else" in other
    assert DeskPayment.objects.count() == 1


def test_money_that_came_meanwhile_and_a_shift_closed_in_another_tab_are_said(cashier, shift) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    seen = balance_of(account_id=account.pk)
    take(cashier, account, key="form-0001")
    shown = take(cashier, account, key="form-0002", seen=str(seen)).content.decode()
    assert "has changed since you looked" in shown
    assert f'name="seen" value="{seen - 10_000}"' in shown
    cashier.post(f"/desk/shifts/{shift.pk}/close/", {"n-10000": "1"})
    closed = cashier.post("/desk/", {"key": "form-0003", "do": "take"}, follow=True).content.decode()
    assert "You have no open shift; nothing was booked." in closed
    assert DeskPayment.objects.count() == 1


@pytest.mark.parametrize("spelling", ["number", "name", "bill", "nothing"])
def test_one_field_finds_accounts(own_office, cashier, shift, spelling) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    with_bill = account.number
    typed = {
        "number": account.number,
        "name": account.customer.name,
        "bill": gost_of(account, 100),
        "nothing": "zzzz",
    }
    page = cashier.post("/desk/", {"key": "form-0001", "q": typed[spelling]}).content.decode()
    assert (with_bill in page) == (spelling != "nothing")
    assert ("Nothing found." in page) == (spelling == "nothing")


def test_a_bill_scanned_into_the_cash_given_is_the_next_account(cashier, shift) -> None:
    first, second = accounts_within(shift.desk.organisation, 2)
    told = {"key": "form-0001", "account": first.pk, "amount": "5", "seen": "0", "bill": "", "means": "cash"}
    page = cashier.post("/desk/", told | {"tendered": gost_of(second, 100)}).content.decode()
    assert second.number in page
    assert not DeskPayment.objects.exists()


def test_accounts_of_another_district_are_not_found(own_office, cashier, shift) -> None:
    other = own_office.northern if shift.desk.organisation.code.startswith("PES-C") else own_office.central
    assert "Nothing found." in cashier.post("/desk/", {"key": "k" * 9, "q": other}).content.decode()
    account = Account.objects.get(number=other)
    take(cashier, account)
    assert not DeskPayment.objects.exists()


def test_receipts_and_reports_print_the_same_bytes_again(cashier, shift) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    take(cashier, account)
    payment = DeskPayment.objects.get()
    papers = [f"/desk/payments/{payment.pk}/{name}.pdf" for name in ("receipt", "slip")]
    cashier.post(f"/desk/shifts/{shift.pk}/close/", {"n-10000": "1"})
    papers.append(f"/desk/shifts/{shift.pk}/report.pdf")
    for paper in papers:
        first, again = cashier.get(paper), cashier.get(paper)
        assert first.content.startswith(b"%PDF-"), paper
        assert first.content == again.content, paper
    stale = cashier.get(f"/desk/?done={payment.pk}", follow=True)
    assert stale.redirect_chain, "without a shift there is no counter"


def test_a_supervisor_of_the_branch_agrees_and_others_see_nothing(own_office, cashier, shift) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    take(cashier, account)
    payment = DeskPayment.objects.get()
    cashier.post(f"/desk/payments/{payment.pk}/void/", {"reason": "Wrong person"})
    void = DeskVoid.objects.get()
    assert void.state == "asked"
    # Nor does the page of the receipt lead round the supervisor.
    receipt_id = payment.lines.get().receipt_id
    cashier.post(f"/payments/receipts/{receipt_id}/", {"reason": "Mine", "day": "2021-06-07"})
    assert not ReceiptReversal.objects.exists()
    branch = "central" if shift.desk.organisation.code.startswith("PES-C") else "northern"
    other = "northern" if branch == "central" else "central"
    stranger = own_office.sign_in(f"supervisor_{other}")
    for address in (
        f"/desk/shifts/{shift.pk}/",
        f"/desk/payments/{payment.pk}/",
        f"/desk/payments/{payment.pk}/slip.pdf",
    ):
        assert stranger.get(address).status_code == 404
    stranger.post(f"/desk/voids/{void.pk}/", {"decision": "agree"})
    assert "Wrong person" not in stranger.get("/desk/shifts/").content.decode()
    assert DeskVoid.objects.get().state == "asked"
    supervisor = own_office.sign_in(f"supervisor_{branch}")
    assert "Wrong person" in supervisor.get("/desk/shifts/").content.decode()
    supervisor.post(f"/desk/voids/{void.pk}/", {"decision": "agree"})
    assert DeskVoid.objects.get().state == "done"
    assert find_breaches() == []


def test_cash_goes_to_the_safe_and_from_it_to_the_bank(own_office, cashier, shift) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    take(cashier, account)
    page = cashier.get(f"/desk/shifts/{shift.pk}/").content.decode()
    key = re.findall(r'name="key" value="([^"]+)"', page)[0]
    told = {"kind": "to_safe", "amount": "60", "key": key}
    for _twice in range(2):
        cashier.post(f"/desk/shifts/{shift.pk}/move/", told)
    assert CashMovement.objects.filter(kind="to_safe").count() == 1
    supervisor = own_office.sign_in("supervisor")
    shown = supervisor.get("/desk/shifts/").content.decode()
    key = re.findall(r'name="key" value="([^"]+)"', shown)[0]
    told = {"amount": "50", "slip": "B-77", "key": key}
    supervisor.post(f"/desk/safes/{shift.desk.organisation_id}/", told)
    assert "B-77" in supervisor.get("/desk/shifts/").content.decode()
    assert find_breaches() == []


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_no_desk_page_overflows_on_a_phone(own_office, shift, live_server, open_page, dark) -> None:
    (account,) = accounts_within(shift.desk.organisation, 1)
    client = own_office.sign_in("cashier")
    take(client, account)
    payment = DeskPayment.objects.get()
    page: Page = open_page("/sign-in/", width=360, height=740, dark=dark)
    page.get_by_label("Username").fill(own_office.people["cashier"])
    page.get_by_label("Password", exact=True).fill("meter-17-blue")
    page.locator("form button.btn-primary").click()
    page.wait_for_url("**/")
    for path in (
        "/desk/",
        f"/desk/payments/{payment.pk}/",
        f"/desk/shifts/{shift.pk}/",
        f"/desk/shifts/{shift.pk}/close/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
