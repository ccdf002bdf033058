"""The subscriber book: readable, complete, and read with few queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

TABS = ["", "consumption/", "money/", "meters/", "premise/", "history/"]
QUERIES_MAX = 25


@pytest.mark.parametrize("tab", TABS)
def test_a_page_of_the_book_takes_few_queries(office, tab) -> None:
    client = office.sign_in("supervisor")
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/accounts/{office.corrected_account}/{tab}")
    assert answer.status_code == 200
    assert len(queries) <= QUERIES_MAX, [query["sql"][:120] for query in queries]


def test_the_overview_says_who_where_and_how_much(office) -> None:
    from mains.base.formats import money_text
    from mains.customers.models import Account
    from mains.ledger.queries.current_account import balance_of

    account = Account.objects.select_related("customer").get(number=office.central)
    text = office.sign_in("supervisor").get(f"/accounts/{office.central}/").content.decode()
    building = account.agreements.first().service_point.premise.building
    assert account.customer.name in text
    assert building.street in text
    owed = balance_of(account_id=account.pk)
    assert money_text(abs(owed), currency="RUB", language="en") in text
    assert ("We owe the customer" in text) == (owed < 0)


def test_the_running_balance_ends_at_the_balance(office) -> None:
    page = office.sign_in("supervisor").get(f"/accounts/{office.corrected_account}/money/")
    entries = page.context["entries"]
    assert entries[0].balance_minor == page.context["balance_minor"]
    assert sum(entry.amount_minor for entry in entries) == page.context["balance_minor"]


def test_recalculations_sum_to_what_the_bills_say(office) -> None:
    page = office.sign_in("supervisor").get(f"/accounts/{office.corrected_account}/money/")
    by_bill: dict[int, int] = {}
    for bill, line in page.context["corrections"]:
        by_bill[bill.id] = by_bill.get(bill.id, 0) + line.amount_minor
    told = {bill.id: bill.correction_minor for bill in page.context["book"].bills if bill.correction_minor}
    assert told
    assert by_bill == told


def test_days_sum_to_the_month(office) -> None:
    page = office.sign_in("supervisor").get(
        f"/accounts/{office.corrected_account}/consumption/?month=2021-04"
    )
    rows = page.context["rows"]
    assert rows
    for place, row in enumerate(rows):
        assert sum(cells[place][0] for _day, cells in page.context["days"]) == row.total_micro


def test_the_premise_shows_the_figures_of_its_nodes(own_office) -> None:
    from datetime import UTC, date, datetime

    from mains.network.actions.figures import record_node_figure
    from mains.network.models import Node

    client = own_office.sign_in("supervisor")
    address = f"/accounts/{own_office.central}/premise/"
    shown = [node.id for node in client.get(address).context["nodes"]]
    for node_id, value in ((shown[0], 36_000_000), (shown[-1], 39_612_500)):
        record_node_figure(
            node=Node.objects.get(pk=node_id), name="calorific", value_micro=value, valid_from=date(2021, 3, 1),
            proof="passport 5", actor=None, now=datetime(2021, 3, 1, tzinfo=UTC),
        )  # fmt: skip
    page = client.get(address)
    assert [(figure.node_id, figure.value_micro) for figure in page.context["figures"]] == [
        (shown[-1], 39_612_500)
    ]
    text = page.content.decode()
    assert "Calorific value" in text
    assert "39.6125" in text
    assert "passport 5" in text


def test_an_unknown_account_says_so(office) -> None:
    assert office.sign_in("supervisor").get("/accounts/99999999/").status_code == 404


def _form(page, **values: str) -> dict[str, str]:
    form = page.context["form"]
    return {
        "register": str(form.fields["register"].choices[0][0]),
        "source": "40",
        "evidence": "phone",
    } | values


def test_a_reading_is_recorded_with_its_source(own_office) -> None:
    client = own_office.sign_in("supervisor")
    address = f"/accounts/{own_office.corrected_account}/"
    page = client.get(f"{address}meters/")
    last = page.context["readings"][0]
    value = last.value_micro // 1_000_000 + 40
    told = _form(page, reading_date="2021-06-06", value=str(value))
    assert client.post(f"{address}readings/", told).status_code == 302
    newest = client.get(f"{address}meters/").context["readings"][0]
    assert newest.value_micro == value * 1_000_000
    assert newest.evidence == {"note": "phone"}
    assert newest.recorded_by


@pytest.mark.parametrize(
    ("value", "day"),
    [("12a45", "2021-06-06"), ("1", "2021-06-06"), ("300000", "2021-07-30"), ("", "2021-06-06")],
)
def test_a_bad_reading_is_not_taken(own_office, value, day) -> None:
    client = own_office.sign_in("supervisor")
    address = f"/accounts/{own_office.corrected_account}/"
    page = client.get(f"{address}meters/")
    before = [reading.id for reading in page.context["readings"]]
    answer = client.post(f"{address}readings/", _form(page, reading_date=day, value=value))
    assert answer.status_code in (200, 302)
    if answer.status_code == 200:
        assert answer.context["form"].errors["value"]
    else:
        from mains.metering.models import ReadingException

        assert ReadingException.objects.filter(text_value=value, resolved_at=None).exists()
    assert [reading.id for reading in client.get(f"{address}meters/").context["readings"]] == before


def test_the_history_tells_everything_once_newest_first(office) -> None:
    page = office.sign_in("supervisor").get(f"/accounts/{office.corrected_account}/history/")
    events = page.context["events"]
    assert [event.day for event in events] == sorted((event.day for event in events), reverse=True)
    assert {"readings", "bills", "recalculations"} <= {event.kind for event in events}
    book = page.context["book"]
    if page.context["count"] == len(events):
        assert sum(event.amount_minor or 0 for event in events) == book.money.closing_minor


def test_the_history_is_narrowed_by_the_address_and_paged(office) -> None:
    client = office.sign_in("supervisor")
    address = f"/accounts/{office.corrected_account}/history/"
    whole = client.get(address).context["count"]
    readings = client.get(f"{address}?kind=readings")
    assert {event.kind for event in readings.context["events"]} == {"readings"}
    assert readings.context["count"] < whole
    last = client.get(f"{address}?from={whole - 1}")
    assert len(last.context["events"]) == 1
    assert not last.context["next_url"]
    assert last.context["previous_url"]


def test_an_officer_of_the_field_sees_no_money_in_the_history(office) -> None:
    client = office.sign_in("field_officer")
    number = client.get("/accounts/").context["lines"][0].number
    events = client.get(f"/accounts/{number}/history/").context["events"]
    assert all(event.amount_minor is None for event in events)


@pytest.mark.parametrize(
    "path",
    ["/accounts/", "/accounts/{number}/", "/accounts/{number}/premise/", "/accounts/{number}/history/"],
)
def test_tariffs_are_named_in_the_readers_language(office, path) -> None:
    from mains.customers.models import Agreement

    one_rate = Agreement.objects.filter(tariff__code=office.one_rate, superseded_at=None).first()
    client = office.sign_in("supervisor")
    client.cookies["django_language"] = "de"
    page = client.get(path.format(number=one_rate.account.number)).content.decode()
    assert "Einzonentarif, Stadt" in page
    assert "Одноставочный тариф" not in page
