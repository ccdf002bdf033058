"""Bills, registers, suspense and the turnover statement."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.prosumers import NET, add_account
from mains.billing.actions.runs import plan_run, post_run
from mains.billing.models import Bill, BillRun
from mains.billing.values import bill_number

TODAY = date(2021, 6, 7)


def test_a_bills_groups_sum_to_its_amount(office) -> None:
    page = office.sign_in("supervisor").get(f"/bills/{office.corrected_bill}/")
    bill, groups = page.context["bill"], page.context["groups"]
    assert sum(group["total_minor"] for group in groups) == bill.amount_minor
    assert sum(group["total_minor"] for group in groups if group["is_correction"]) == bill.correction_minor
    assert groups[0]["month"] == bill.month


def test_every_line_opens_its_formula_down_to_readings(office) -> None:
    client = office.sign_in("supervisor")
    page = client.get(f"/bills/{office.corrected_bill}/")
    texts = []
    for group in page.context["groups"]:
        for line in group["lines"]:
            answer = client.get(
                f"/bills/{office.corrected_bill}/lines/{line.line}/", headers={"HX-Request": "true"}
            )
            assert answer.context["explained"].node, answer.context["explained"].problem
            texts.append(answer.content.decode())
    assert any("/readings/" in text for text in texts)
    assert any("/tariffs/" in text for text in texts)


def test_a_wrong_bill_number_is_not_found(office) -> None:
    client = office.sign_in("supervisor")
    wrong = office.central_bill[:-1] + str((int(office.central_bill[-1]) + 1) % 10)
    assert client.get(f"/bills/{wrong}/").status_code == 404
    assert client.get("/bills/nonsense/").status_code == 404


def test_each_level_of_the_turnover_sums_to_the_one_above(office) -> None:
    client = office.sign_in("supervisor")
    pages = ["/reports/turnover/?from=2021-04&to=2021-05"]
    levels = 0
    while pages:
        page = client.get(pages.pop())
        level = page.context["level"]
        levels += 1
        for name in ("opening_minor", "accrued_minor", "recalculated_minor", "paid_minor", "closing_minor"):
            told = getattr(level.total, name)
            if level.next_after is None and page.context["is_first_page"]:
                assert sum(getattr(row.figures, name) for row in level.rows) == told
        for row, url in page.context["rows"]:
            if row.kind != "account":
                below = client.get(url).context["level"]
                assert below.total == row.figures
                pages.append(url)
    assert levels > 5


def test_the_csv_has_the_rows_of_the_screen(office) -> None:
    client = office.sign_in("supervisor")
    level = client.get("/reports/turnover/?from=2021-05").context["level"]
    answer = client.get("/reports/turnover.csv?from=2021-05")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(level.rows) + 2
    assert [row[1] for row in rows[1:-1]] == [row.name for row in level.rows]


def _upload(client, content: bytes, name: str = "june.csv"):
    return client.post(
        "/payments/", {"file": SimpleUploadedFile(name, content), "mapping": "bank_csv"}, follow=True
    )


def test_a_staged_register_is_accepted_with_one_button(own_office) -> None:
    from mains.payments.models import PaymentRegister, Receipt

    client = own_office.sign_in("accountant")
    waiting = PaymentRegister.objects.get(status="staged")
    before = Receipt.objects.count()
    page = client.post(f"/payments/{waiting.pk}/accept/", follow=True)
    assert page.context["register"].status == "accepted"
    assert Receipt.objects.count() == before + waiting.row_count
    again = client.post(f"/payments/{waiting.pk}/accept/", follow=True)
    assert Receipt.objects.count() == before + waiting.row_count
    assert [str(message) for message in again.context["messages"]]


def test_a_broken_register_shows_line_field_and_remedy(own_office) -> None:
    from mains.payments.models import PaymentRegisterRow

    client = own_office.sign_in("accountant")
    before = PaymentRegisterRow.objects.count()
    content = b"account;paid_on;amount;reference;payer\n123;2021-06-99;10,00;r1;x\n"
    page = _upload(client, content)
    assert page.context["register"].status == "refused"
    assert page.context["faults"]
    assert PaymentRegisterRow.objects.count() == before
    text = page.content.decode()
    assert "june.csv" in text


def test_a_binary_file_is_refused_politely(own_office) -> None:
    page = _upload(own_office.sign_in("accountant"), bytes(range(256)) * 40, "photo.jpg")
    assert page.status_code == 200
    assert page.context["register"].status == "refused"


def test_a_cashier_of_one_centre_cannot_accept_for_the_utility(own_office) -> None:
    from mains.payments.models import PaymentRegister

    waiting = PaymentRegister.objects.get(status="staged")
    assert own_office.sign_in("cashier").post(f"/payments/{waiting.pk}/accept/").status_code == 403
    waiting.refresh_from_db()
    assert waiting.status == "staged"


def test_money_in_suspense_finds_its_account(own_office) -> None:
    from mains.customers.models import Account
    from mains.ledger.queries.current_account import balance_of

    client = own_office.sign_in("accountant")
    rows = client.get("/exceptions/?show=suspense").context["rows"]
    assert rows
    account = Account.objects.get(number=own_office.central)
    before = balance_of(account_id=account.pk)
    client.post(f"/payments/suspense/{rows[0].id}/identify/", {"account": own_office.central})
    assert balance_of(account_id=account.pk) == before - rows[0].amount_minor
    left = client.get("/exceptions/?show=suspense").context["rows"]
    assert rows[0].id not in [row.id for row in left]


def test_an_unknown_account_leaves_the_money_in_suspense(own_office) -> None:
    client = own_office.sign_in("accountant")
    rows = client.get("/exceptions/?show=suspense").context["rows"]
    page = client.post(f"/payments/suspense/{rows[0].id}/identify/", {"account": "1"}, follow=True)
    assert [str(message) for message in page.context["messages"]]
    assert {row.id for row in rows} <= {item.id for item, _age in page.context["items"]}


def test_the_dashboard_agrees_with_the_turnover(office) -> None:
    client = office.sign_in("supervisor")
    page = client.get("/")
    first, last = page.context["months"][0].month, page.context["months"][-1].month
    level = client.get(f"/reports/turnover/?from={first:%Y-%m}&to={last:%Y-%m}").context["level"]
    assert page.context["owed_minor"] == level.total.closing_minor
    assert sum(row.collected_minor for row in page.context["months"]) == level.total.paid_minor
    billed = page.context["billed"]
    assert billed in page.context["months"]
    assert page.context["use"].month == billed.month


def test_kept_figures_are_those_that_are_counted(own_office) -> None:
    from mains.customers.queries.records import count_accounts, count_unmapped
    from mains.reporting.actions.figures import refresh_figures
    from mains.reporting.queries.overview import count_open_accounts, list_month_use
    from mains.staff.models import User
    from mains.staff.queries.rights import rights_of

    person = User.objects.get(username=own_office.people["supervisor_central"])
    scope = rights_of(user=person, on_date=TODAY).scope("see_accounts")
    counted = list_month_use(scope=scope)
    refresh_figures(on_date=TODAY, now=datetime(2021, 6, 7, 13, tzinfo=UTC))
    assert list_month_use(scope=scope) == counted
    kept = count_open_accounts(scope=scope, on_date=TODAY)
    assert kept.accounts == count_accounts(scope=scope)
    assert kept.unmapped == count_unmapped(scope=scope, on_date=TODAY)
    assert 0 < kept.unmapped < kept.accounts


def test_an_account_is_given_to_an_officer_from_the_list(own_office) -> None:
    client = own_office.sign_in("supervisor")
    page = client.get("/exceptions/?show=unmapped")
    rows, officers = page.context["rows"], page.context["officers"]
    row = next(row for row in rows if officers[row.organisation_id])
    officer_id, name = officers[row.organisation_id][0]
    refused = client.post(f"/exceptions/accounts/{row.number}/officer/", {"officer": "1" * 9}, follow=True)
    assert row.number in [one.number for one in refused.context["rows"]]
    after = client.post(f"/exceptions/accounts/{row.number}/officer/", {"officer": officer_id}, follow=True)
    assert row.number not in [one.number for one in after.context["rows"]]
    assert name in client.get(f"/accounts/{row.number}/").content.decode()


@pytest.mark.slow
def test_steps_from_bill_to_bill_sum_to_the_difference(office) -> None:
    """Causes by whole ratings: nothing is left over, and bars stand where the one before ended."""
    from mains.billing.models import Bill
    from mains.billing.queries.explain import explain_change
    from mains.web.office.steps import bill_steps

    pairs, causes = 0, set()
    for month, bill_id in (
        Bill.objects.filter(id__lt=Bill.objects.earliest("id").id + 10**6)
        .order_by("id")
        .values_list("month", "id")
    ):
        change = explain_change(month=month, bill_id=bill_id)
        if change is None:
            continue
        difference = change.after.amount_minor - change.before.amount_minor
        assert sum(step.amount_minor for step in change.steps) == difference
        rows = bill_steps(change, currency="RUB", unit="kWh").rows
        assert sum(row.amount_minor for row in rows if not row.is_total) == difference
        assert all(row.left >= 0 and row.left + row.width <= 1005 for row in rows)
        causes |= {step.cause for step in change.steps}
        pairs += 1
    assert pairs > 1_000
    assert {"days", "use", "recalculated", "recalculated_before"} <= causes
    assert "otherwise" not in causes


def test_a_recalculated_month_is_told_by_its_causes(office) -> None:
    from mains.billing.models import Bill, BillLine
    from mains.billing.queries.explain import explain_corrections

    told = 0
    for bill in Bill.objects.exclude(correction_minor=0).order_by("id")[:200]:
        corrections = explain_corrections(month=bill.month, bill_id=bill.id)
        assert sum(each.amount_minor for each in corrections) == bill.correction_minor
        for each in corrections:
            lines = BillLine.objects.filter(
                month=bill.month,
                bill_id=bill.id,
                service_month=each.service_month,
                service_point_id=each.service_point_id,
            ).exclude(kind="tax_included")
            assert each.amount_minor == sum(line.amount_minor for line in lines)
            assert sum(step.amount_minor for step in each.steps) == each.amount_minor
            told += any(step.cause == "use" for step in each.steps)
    assert told > 100


def test_the_bills_page_shows_the_steps(office) -> None:
    page = office.sign_in("supervisor").get(f"/bills/{office.corrected_bill}/")
    rows = page.context["steps"].rows
    assert rows[-1].amount_minor == page.context["bill"].amount_minor
    assert page.context["steps"].finding in page.content.decode()


def test_what_is_carried_to_the_next_bill_is_shown(own_office) -> None:
    """150 kWh drawn and 400 fed in in June: 250 go on to July."""
    june = date(2021, 6, 1)
    add_account(5001, tariff=NET, months=[(150, 400)], first_month=june, since=june)
    run = plan_run(month=june, now=datetime(2021, 7, 4, tzinfo=UTC))
    post_run(run_id=run.pk, now=datetime(2021, 7, 4, tzinfo=UTC), processes=1)
    client = own_office.sign_in("supervisor")
    for path in ("/accounts/5001/money/", f"/bills/{number_of(run, 5001)}/"):
        page = client.get(path)
        (row,) = page.context["carried"]
        assert (row.value_micro, row.unit, row.month) == (250_000_000, "kWh", june)
        assert "Carried to the next bill" in page.content.decode()
        assert "Carried energy" in page.content.decode()
    other = client.get(f"/accounts/{own_office.central}/money/")
    assert "Carried to the next bill" not in other.content.decode()


def number_of(run: BillRun, account: int) -> str:
    bill = Bill.objects.get(run_id=run.pk, account_id=account)
    return bill_number(bill.month, bill.id)
