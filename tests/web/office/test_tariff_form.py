"""What the form of the tariff editor adds and leaves out, each in its place of the text; and trying it unsaved."""

from datetime import date

import pytest
import yaml

from mains.engine.tariff import read_tariff
from mains.tariffs.values.document_text import UnableToEditText
from mains.web.office.tariff_pages.fields import read_form
from mains.web.office.tariff_pages.operations import apply_operation

TODAY = date(2021, 6, 7)
BARE = """\
# Order 57
tariff: town
service: electricity
currency: RUB
unit: kWh
attributes: {residents: number}
prices:
  # published in the gazette
  energy: {unit: RUB/kWh, value: 3.04}
  standing: {unit: RUB/month, value: 12}
components:
  - name: supply
    formula: usage * energy  # every kWh
  - {name: service, formula: standing * months}
"""
SETTINGS = '["components"]'


def done(operation: str, text: str = BARE, **told: str) -> str:
    return apply_operation(text, operation, told)


def meaning(text: str):
    return yaml.safe_load(text)


def added_lines(before: str, after: str) -> list[str]:
    return [line for line in after.splitlines() if line not in before.splitlines()]


def test_a_component_gets_its_days_and_how_it_takes_a_change() -> None:
    text = BARE
    chosen = {"new_of": '["components", 0]'}
    for key, value in (("since", "2021-01-01"), ("until", "2021-07-01"), ("cut", "month")):
        text = done(
            f"add-setting:{SETTINGS}", text, new_component_key=key, new_component_value=value, **chosen
        )
    assert added_lines(BARE, text) == ["    since: 2021-01-01", "    until: 2021-07-01", "    cut: month"]
    (supply, _service) = read_form(text, version=None, today=TODAY).components
    fields = {field.key: field for field in supply.fields}
    assert fields["since"].is_day
    assert fields["cut"].value == "month"
    gone = done(fields["until"].remove, text)
    assert "until" not in meaning(gone)["components"][0]
    read_tariff(text)


@pytest.mark.parametrize("treatment", ["next_bill", "rerate"])
def test_the_treatment_of_a_change_is_chosen(treatment: str) -> None:
    text = done(
        f"add-setting:{SETTINGS}",
        new_of='["components", 0]',
        new_component_key="on_change",
        new_component_value=treatment,
    )
    assert meaning(text)["components"][0]["on_change"] == treatment
    assert read_tariff(text).versions


def test_a_choice_without_a_value_begins_with_the_first() -> None:
    text = done("add-setting", new_heading_key="on_change")
    assert meaning(text)["on_change"] == "split"
    with pytest.raises(UnableToEditText):
        done("add-setting", new_heading_key="split_usage")
    assert done("add-setting", new_heading_key="versions", new_heading_value="x") == BARE, "no such setting"


def test_what_a_bill_carries_to_the_next() -> None:
    text = done("add-balance", new_balance="credit", new_carried="kWh")
    assert meaning(text)["balances"] == {"credit": "kWh"}
    page = read_form(text, version=None, today=TODAY)
    (field,) = [field for field in page.attributes if field.key == "balance"]
    assert done(field.remove, text) == BARE, "the last one takes the heading along"


def test_the_last_attribute_is_left_out_with_its_heading() -> None:
    page = read_form(BARE, version=None, today=TODAY)
    (field,) = page.attributes
    text = done(field.remove)
    assert "attributes" not in meaning(text)
    two = done("add-attribute", new_attribute="area", new_kind="m2")
    assert meaning(two)["attributes"] == {"residents": "number", "area": "m2"}
    assert meaning(done(field.remove, two))["attributes"] == {"area": "m2"}


def test_zones_holidays_and_maxima_make_a_tariff_by_hours() -> None:
    text = done("add-zone", new_zone="night", new_hours="22:00-06:00", new_time_zone="Europe/Simferopol")
    text = done("add-zone", text, new_zone="day")
    text = done("add-holiday", text, new_holiday="12-25")
    text = done("add-holiday", text, new_holiday="4th thu of nov")
    text = done("add-maximum", text, new_maximum="kw", new_power="kW")
    assert meaning(text) == meaning(BARE) | {
        "time_zone": "Europe/Simferopol",
        "time_of_use": {"night": {"hours": "22:00-06:00"}, "day": "rest"},
        "holidays": ["12-25", "4th thu of nov"],
        "demand": {"kw": {"unit": "kW"}},
    }
    assert set(read_tariff(text).schedule_zones) == {"night", "day"}
    page = read_form(text, version=None, today=TODAY)
    assert page.has_time_zone
    first = next(field for field in page.hours if field.key == "holiday")
    assert meaning(done(first.remove, text))["holidays"] == ["4th thu of nov"]


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("add-zone", {"new_time_zone": "UTC"}),
        ("add-zone", {"new_zone": "night"}),
        ("add-holiday", {}),
        ("add-maximum", {"new_maximum": "kw"}),
        ("make-versions", {}),
    ],
)
def test_what_is_missing_is_said(operation: str, told: dict[str, str]) -> None:
    with pytest.raises(UnableToEditText) as refused:
        done(operation, **told)
    assert refused.value.remedy


def test_a_tariff_without_versions_becomes_one_with_versions() -> None:
    """The prices move into the first version as they were written; another version can then have others."""
    text = done("make-versions", new_version="2021-01-01")
    assert meaning(text)["versions"] == [{"valid_from": date(2021, 1, 1), "prices": meaning(BARE)["prices"]}]
    assert "    # published in the gazette" in text
    assert "  # every kWh" in text
    two = done("add-version", text, new_version="2021-07-01")
    assert [version.valid_from for version in read_tariff(two).versions] == [
        date(2021, 1, 1),
        date(2021, 7, 1),
    ]
    with pytest.raises(UnableToEditText):
        done("make-versions", text, new_version="2022-01-01")
    no_prices = 'tariff: flat\nunit: kWh\ncomponents: {supply: "usage * 2 [RUB/kWh]"}'
    assert meaning(done("make-versions", no_prices, new_version="2021-01-01"))["versions"] == [
        {"valid_from": date(2021, 1, 1)}
    ]


def test_the_text_in_the_form_is_tried_without_being_saved(own_office) -> None:
    from mains.tariffs.models import TariffDraft

    client = own_office.sign_in("tariff_specialist")
    client.cookies["django_language"] = "en"
    address = f"/tariff-drafts/{own_office.draft_id}/try/"
    saved = client.get(address)
    stored = TariffDraft.objects.get(pk=own_office.draft_id).document
    dearer = stored.replace("price: 3.81", "price: 13.81")
    assert dearer != stored
    page = client.post(address, {"document": dearer})
    assert "This text is not saved yet" in page.content.decode()
    assert page.context["total"].draft != saved.context["total"].draft
    assert TariffDraft.objects.get(pk=own_office.draft_id).document == stored
    # What is typed into a field counts as well, and facts are changed in place.
    more = client.post(address, {"document": dearer, "usage": "500"}, headers={"HX-Request": "true"})
    assert more.context["total"].draft != page.context["total"].draft
    broken = client.post(address, {"document": dearer.replace("billed, energy", "billed, energie")})
    assert broken.context["faults"]
    assert "This text is not saved yet" in broken.content.decode()
    same = client.post(address, {"document": stored})
    assert "This text is not saved yet" not in same.content.decode()
    # The way back shows the same text as unsaved.
    back = client.post(f"/tariff-drafts/{own_office.draft_id}/form/", {"document": dearer})
    assert back.context["is_changed"]
    assert "13.81" in back.content.decode()


def test_tariffs_are_listed_by_their_titles_in_the_readers_language(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    shown = {}
    for language, title in (("en", "One-rate tariff, urban"), ("de", "Einzonentarif, Stadt")):
        client.cookies["django_language"] = language
        page = client.get("/tariffs/")
        assert title in page.content.decode()
        assert title in client.get("/tariffs/ru-electricity-one-rate/").content.decode()
        shown[language] = [line.title for line in page.context["lines"]]
        assert shown[language] == sorted(shown[language])
    assert shown["en"] != shown["de"]
