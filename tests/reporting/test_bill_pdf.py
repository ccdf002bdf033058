"""Bills on paper: what they say adds up to what was posted, and every text is set as it is."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
from django.utils import translation
from pypdf import PdfReader
from pytest_django.plugin import DjangoDbBlocker
from typer.testing import CliRunner

from billing.population import NEXT_PAYER
from mains.billing.models import Bill
from mains.billing.queries.explain import explain_bill, explain_change, explain_corrections
from mains.billing.queries.explain.changes import change_data
from mains.billing.values import bill_number
from mains.config.cli.bill import app
from mains.customers.models import Account, Customer, Party
from mains.engine.facts import MICRO
from mains.ledger.queries.current_account import balance_of
from mains.reporting.actions.texts import store_document_texts
from mains.reporting.queries.bill_paper import (
    BillContent,
    UnableToPrintBill,
    bill_pdf,
    bill_texts,
    get_content,
    protocol_pdf,
)
from mains.reporting.queries.bill_paper.corrections import AgreementChanged, AttributeChanged, UseChanged
from mains.reporting.queries.bill_paper.delivery import list_batches, print_batch
from reporting.billed_homes import (
    APRIL,
    CREDIT_MINOR,
    HOMES,
    MARCH,
    MAY,
    PAID_MINOR,
    UNMETERED_HOME,
    billed_homes,
)
from template_databases import connected_copy

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "bill-explanation.schema.json"


@pytest.fixture(scope="module")
def homes(populated: Callable[[int], str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test's database is that of the billed homes; tests leave it as it was."""
    with django_db_blocker.unblock(), connected_copy(billed_homes(populated(HOMES))):
        yield


def bill_of(home: int, month: date = MAY) -> Bill:
    return Bill.objects.get(account_id=home, month=month)


def content_of(bill: Bill) -> BillContent:
    return get_content(month=bill.month, bill_id=bill.id)


def texts_of(home: int, month: date = MAY, language: str | None = None) -> dict:
    bill = bill_of(home, month)
    return bill_texts(month=bill.month, bill_id=bill.id, language=language)


def pages_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def test_every_bill_adds_up_to_what_was_posted(homes):
    corrected = 0
    for bill in Bill.objects.order_by("month", "id"):
        content = content_of(bill)
        found = content.statement
        assert (
            found.opening_minor - found.paid_minor + found.billed_minor + found.corrected_minor
            == found.closing_minor
        )
        own = [charge for section in content.sections for charge in section.charges]
        assert sum(each.amount_minor for each in own if each.kind != "tax_included") == found.billed_minor
        lines = [line for correction in content.corrections for line in correction.lines]
        changes = [line.now_minor - line.before_minor for line in lines if line.kind != "tax_included"]
        assert sum(changes) == bill.correction_minor
        corrected += any(changes)
        for charge in own:
            if charge.tiers:
                parts = sum(tier.quantity for tier in charge.tiers)
                assert abs(parts - charge.quantity) < Fraction(1, MICRO)
                assert sum(tier.amount for tier in charge.tiers) == charge.unrounded
        if content.use:
            assert sum(row.use_micro for row in content.use) == bill.quantity_micro
            assert content.bars[-1].use_micro == bill.quantity_micro
    assert corrected > HOMES


def test_readings_lead_to_the_use_of_the_month(homes):
    for row in (row for bill in Bill.objects.filter(month=MAY) for row in content_of(bill).use):
        if row.quality in "MA":
            assert row.opening is not None
            assert row.closing is not None
            assert (row.closing[0] - row.opening[0]).days == row.covered_days
            share = row.difference * row.multiplier * row.days / row.covered_days
            assert abs(share - Fraction(row.use_micro, MICRO)) < Fraction(2, MICRO)
        else:
            assert row.closing is None


def test_the_statement_begins_with_the_last_bill_and_shows_the_payment(homes):
    march, april = content_of(bill_of(1, MARCH)).statement, content_of(bill_of(1, APRIL)).statement
    assert (march.opening_minor, march.paid_minor) == (0, 0)
    assert april.opening_minor == march.closing_minor
    assert april.payments == ((date(2021, 4, 20), PAID_MINOR),)
    assert content_of(bill_of(1, MAY)).statement.closing_minor == balance_of(account_id=1)


def test_a_credit_is_said_in_words_and_asks_for_nothing(homes):
    texts = texts_of(2)
    owed = -balance_of(account_id=2)
    assert CREDIT_MINOR > owed > 0
    assert texts["pay"]["heading"] == "We owe you"
    assert texts["pay"]["amount"] == f"₽{owed / 100:,.2f}"
    assert texts["codes"] == []
    assert texts["statement"][0][0] == "We owed you before"
    assert texts["statement"][-1] == ["We owe you", texts["pay"]["amount"]]


def test_a_forecast_replaced_by_a_reading_is_told(homes):
    settled = [
        (bill, correction, cause)
        for bill in Bill.objects.filter(month=APRIL)
        for correction in content_of(bill).corrections
        for cause in correction.causes
        if isinstance(cause, UseChanged) and cause.was_forecast and cause.reading is not None
    ]
    assert len(settled) > HOMES / 4
    for bill, correction, cause in settled:
        assert correction.service_month == MARCH
        assert cause.reading.reading_date > MARCH
        (told,) = bill_texts(month=bill.month, bill_id=bill.id)["corrections"]
        assert told["title"] == "March 2021"
        assert "The forecast was replaced by the reading of " in told["causes"]
        assert told["causes"].endswith("less." if cause.difference_micro < 0 else "more.")


def test_a_fact_learnt_late_is_told(homes):
    (correction,) = content_of(bill_of(UNMETERED_HOME, APRIL)).corrections
    (cause,) = correction.causes
    assert isinstance(cause, AttributeChanged)
    assert (cause.name, cause.now, cause.since) == ("residents", 9, date(2021, 3, 16))
    (told,) = texts_of(UNMETERED_HOME, APRIL)["corrections"]
    assert told["causes"].startswith("Residents: 9 instead of ")
    assert told["causes"].endswith(", from 16 Mar 2021 on.")


def test_facts_that_decided_nothing_are_not_named(homes):
    for bill in Bill.objects.filter(month=MAY):
        for section in content_of(bill).sections:
            choices = dict(section.choices)
            assert not (choices.get("metered") and "residents" in choices)


def test_others_use_at_the_same_place_is_not_shown(homes):
    # Home 5 moves out on 15 April; the next payer's bars begin there, and no day is in both.
    left, came = content_of(bill_of(5, APRIL)).bars, content_of(bill_of(5 + NEXT_PAYER, APRIL)).bars
    assert [bar.month for bar in came] == [APRIL]
    assert left[-1].month == APRIL
    assert left[-1].days + came[-1].days == 30


def test_moving_a_month_between_agreements_without_a_difference_is_not_a_correction(homes):
    for bill in Bill.objects.all():
        for correction in content_of(bill).corrections:
            assert any(line.now_minor != line.before_minor for line in correction.lines)
            assert correction.causes or correction.lines
            assert not any(isinstance(cause, AgreementChanged) for cause in correction.causes[1:])


def test_without_a_meter_the_norm_is_named(homes):
    texts = texts_of(12)
    assert texts["readings"] == []
    assert "Without a meter the quantity follows from the norm of the tariff." in texts["calculation"]
    assert all(bar["estimated"] == bar["height"] for bar in texts["chart"]["bars"])


def test_customers_texts_are_set_as_they_are(homes):
    wild = 'Ann #panic("no") *bold* $x$ [y] \\ <a> @ref // "q" ' + "Longname-" * 12
    customer = Customer.objects.get(accounts__id=1)
    usual = customer.name
    Customer.objects.filter(pk=customer.pk).update(name=wild)
    try:
        bill = bill_of(1)
        (page, *_rest) = pages_of(bill_pdf(month=bill.month, bill_id=bill.id))
    finally:
        Customer.objects.filter(pk=customer.pk).update(name=usual)
    flat = "".join(page.split())
    for part in ('#panic("no")', "*bold*", "$x$", "[y]", "\\", "<a>", "@ref", "//"):
        assert part in flat


def test_a_page_says_the_amount_the_number_and_the_lines(homes):
    bill = bill_of(1)
    texts = texts_of(1)
    pdf = bill_pdf(month=bill.month, bill_id=bill.id)
    pages = pages_of(pdf)
    assert len(pages) == 1
    for part in (
        bill_number(bill.month, bill.id),
        texts["pay"]["amount"],
        "Customer 1",
        "Day energy",
        "Page 1 / 1",
    ):
        assert part in pages[0]
    assert pdf == bill_pdf(month=bill.month, bill_id=bill.id)


@pytest.mark.parametrize(
    ("language", "words"),
    [("ru", "К оплате"), ("tr", "Ödenecek tutar"), ("de", "Zu zahlen"), ("fr", "Montant à payer")],
)
def test_the_customer_reads_it_in_their_language(homes, language, words):
    bill = bill_of(1)
    Customer.objects.filter(accounts__id=1).update(language=language)
    try:
        assert words in pages_of(bill_pdf(month=bill.month, bill_id=bill.id))[0].replace("\xa0", " ")
    finally:
        Customer.objects.filter(accounts__id=1).update(language="en")
    assert translation.get_language() == "en"


def test_letters_without_a_font_are_refused_by_name(homes):
    bill = bill_of(1)
    with pytest.raises(UnableToPrintBill) as caught:
        bill_pdf(month=bill.month, bill_id=bill.id, language="zh-hans")
    assert caught.value.code == "no-font"
    assert bill_number(bill.month, bill.id) in caught.value.place


def test_the_utilitys_own_sentences_are_on_it(homes):
    store_document_texts(
        texts={"bill_title": {"en": "Power bill"}, "bill_note": {"en": "Old", "ru": "Платите"}}
    )
    store_document_texts(texts={"bill_note": {"en": "Pay at the bank"}})
    texts = texts_of(1)
    assert texts["title"] == "Power bill"
    assert texts["notes"] == ["Pay at the bank"]
    assert texts_of(1, language="ru")["notes"] == ["Платите"]


def test_the_code_asks_for_what_the_bill_asks(homes):
    assert texts_of(1)["codes"] == []  # the supplier of the homes has no bank account yet
    Party.objects.update(bank_name="Bank", bank_code="044525225", bank_account="40702810000000000001")
    closing = content_of(bill_of(1)).statement.closing_minor
    payload = texts_of(1)["codes"][0]["payload"]
    number = Account.objects.get(id=1).number
    assert payload.startswith(
        "ST00012|Name=Power|PersonalAcc=40702810000000000001|BankName=Bank|BIC=044525225|CorrespAcc=0"
    )
    assert f"|Sum={closing}|" in payload
    assert f"|PersAcc={number}|" in payload


def test_an_unknown_bill(homes):
    with pytest.raises(UnableToPrintBill):
        bill_pdf(month=MAY, bill_id=999_999)


def test_batches_follow_the_walk_and_miss_nobody(homes):
    batches = list_batches(month=MAY)
    printed_ids = [bill_id for batch in batches for bill_id in batch.bill_ids]
    assert sorted(printed_ids) == sorted(Bill.objects.filter(month=MAY).values_list("id", flat=True))
    assert len({batch.file_name for batch in batches}) == len(batches)
    for batch in batches:
        houses = [int(content_of(Bill.objects.get(month=MAY, id=one)).place.house) for one in batch.bill_ids]
        assert houses == sorted(houses)
    few = list_batches(month=MAY, limit=3)
    assert [bill_id for batch in few for bill_id in batch.bill_ids] == printed_ids[:3]


def test_a_bill_that_cannot_be_printed_is_left_out_and_told(homes):
    (batch,) = list_batches(month=MAY, limit=2)
    first = Bill.objects.get(month=MAY, id=batch.bill_ids[0])
    customer = Customer.objects.get(accounts__id=first.account_id)
    Customer.objects.filter(pk=customer.pk).update(name="李明")
    try:
        made = print_batch(batch)
    finally:
        Customer.objects.filter(pk=customer.pk).update(name=customer.name)
    assert made.faults == (f"{bill_number(MAY, first.id)}: No font at hand prints 明, 李.",)
    assert len(pages_of(made.pdf)) == 1


def test_the_command_writes_a_file(homes, tmp_path):
    bill = bill_of(1)
    target = tmp_path / "one.pdf"
    finished = CliRunner().invoke(app, ["pdf", bill_number(bill.month, bill.id), "--out", str(target)])
    assert finished.exit_code == 0, finished.output
    assert target.read_bytes() == bill_pdf(month=bill.month, bill_id=bill.id)


def test_explanations_keep_their_published_schema(homes):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for bill in Bill.objects.filter(month=MAY).order_by("id")[:20]:
        data = explain_bill(month=bill.month, bill_id=bill.id).to_data()
        validator.validate(json.loads(json.dumps(data)))
        assert sum(line["amount_minor"] for line in data["lines"]) >= data["amount_minor"]
    spoilt = {**data, "lines": [{**data["lines"][0], "amount_minor": "1"}]}
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(spoilt)


def test_the_protocol_has_every_step_of_every_line(homes) -> None:
    bill = bill_of(1)
    explained = explain_bill(month=bill.month, bill_id=bill.id)
    text = "\n".join(pages_of(protocol_pdf(month=bill.month, bill_id=bill.id, language="en")))
    assert "Calculation protocol" in text
    assert bill_number(bill.month, bill.id) in text
    readings = {
        step.source.split(",")[0]
        for line in explained.lines
        for step in line.tree.walk()
        if "reading" in step.source
    }
    assert readings
    for reading in readings:
        assert reading in text
    for line in explained.lines:
        assert f"{abs(line.amount_minor) // 100:,}" in text


def test_the_protocol_speaks_the_readers_language(homes) -> None:
    bill = bill_of(1)
    text = "\n".join(pages_of(protocol_pdf(month=bill.month, bill_id=bill.id, language="de")))
    assert "Berechnungsprotokoll" in text
    assert "Zählerstand vom" in text


def test_the_change_from_bill_to_bill_is_on_paper(homes) -> None:
    bill = bill_of(1)
    rows = texts_of(1, language="en")["change"]
    assert rows[0][0] == "Bill for April 2021"
    assert rows[-1][0] == "Bill for May 2021"
    steps = [int(amount.replace(",", "").replace(".", "").replace("−", "-")) for _label, amount in rows[1:-1]]
    before = bill_of(1, APRIL)
    assert sum(steps) == bill.amount_minor - before.amount_minor
    assert texts_of(1, MARCH)["change"] == []


def test_the_change_as_json_is_as_its_schema_says(homes) -> None:
    schema = json.loads((SCHEMA.parent / "bill-change.schema.json").read_text(encoding="utf-8"))
    for bill in Bill.objects.filter(account_id__lte=12):
        change = explain_change(month=bill.month, bill_id=bill.id)
        corrections = explain_corrections(month=bill.month, bill_id=bill.id)
        data = change_data(bill_number(bill.month, bill.id), change, corrections)
        jsonschema.validate(json.loads(json.dumps(data)), schema)
        assert sum(each["amount_minor"] for each in data["corrections"]) == bill.correction_minor
