"""A tariff specialist tries a draft in the browser; others see only what covers no more than they may see."""

import csv
import io
import json
import os
import subprocess
import sys
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from playwright.sync_api import Page, expect

from mains.billing.actions.whatif import plan_whatif
from mains.billing.models import WhatIf
from mains.staff.models import Organisation
from mains.staff.queries.rights import subtree_of
from mains.staff.values import Scope
from mains.tariffs.models import TariffDraft
from web.office.conftest import TODAY, dearer

FORM = {"replaces": "ru-electricity-one-rate", "month_from": "2021-05", "month_to": "2021-05", "text": ""}


def start(client, **fields):
    return client.post("/what-if/", FORM | fields)


def work() -> None:
    """What `mains serve` keeps running, for once."""
    name = connection.settings_dict["NAME"]
    subprocess.run(
        [sys.executable, "-m", "mains", "worker", "--until-empty"],
        env=os.environ | {"MAINS_DATABASE": name},
        check=True,
        capture_output=True,
        timeout=100,
    )


def test_a_draft_is_started_computed_by_a_worker_and_shown(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    answer = start(client, file=SimpleUploadedFile("draft.yaml", dearer().encode()))
    assert answer.status_code == 302
    waiting = client.get(answer["Location"])
    assert "every 1s" in waiting.content.decode()
    part = client.get(answer["Location"], headers={"HX-Request": "true"})
    assert "HX-Refresh" not in part
    work()
    assert client.get(answer["Location"], headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    page = client.get(answer["Location"])
    found = WhatIf.objects.latest("id")
    assert (
        page.context["result"]["after_minor"]
        == found.result["after_minor"]
        > found.result["before_minor"]
        > 0
    )
    assert len(page.context["worst"]) == 100
    numbers = [row.number for row in page.context["worst"]]
    assert all(f"/accounts/{number}/" in page.content.decode() for number in numbers)


def test_the_text_of_a_draft_does_as_well_as_a_file(own_office) -> None:
    answer = start(own_office.sign_in("tariff_specialist"), text=dearer())
    assert answer.status_code == 302
    assert WhatIf.objects.latest("id").drafts[0]["document"].strip() == dearer().strip().replace(
        "\n", "\r\n"
    ).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a file or paste the draft."),
        ({"text": "tariff: ["}, "The draft cannot be tried"),
        ({"text": "x", "month_from": "soon"}, "Write the month as 2021-05."),
        ({"text": None, "month_to": "2021-04"}, "Give the first month and then the last."),
    ],
)
def test_a_fault_is_said_on_the_page_and_nothing_is_started(own_office, fields, said) -> None:
    client = own_office.sign_in("tariff_specialist")
    client.cookies["django_language"] = "en"
    before = WhatIf.objects.count()
    answer = start(client, **{name: dearer() if value is None else value for name, value in fields.items()})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert WhatIf.objects.count() == before


def test_it_is_cancelled(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    place = start(client, text=dearer())["Location"]
    client.post(f"{place}cancel/")
    work()
    assert WhatIf.objects.latest("id").status == "cancelled"
    assert client.get(place).status_code == 200


def test_the_files_hold_what_the_page_shows(office) -> None:
    client = office.sign_in("tariff_specialist")
    client.cookies["django_language"] = "en"
    result = WhatIf.objects.get(pk=1).result
    text = client.get("/what-if/1.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    for part in ("Months", "Classes", "Units", "Components"):
        after = sum(round(float(row["After"]) * 100) for row in rows if row["Part"] == part)
        assert after == result["after_minor"], part
    assert len([row for row in rows if row["Part"] == "Pay most more"]) == len(result["worst"])
    book = ZipFile(io.BytesIO(client.get("/what-if/1.xlsx").content))
    sheet = ET.fromstring(book.read("xl/workbook.xml"))
    names = [node.get("name") for node in sheet.iter() if node.tag.endswith("}sheet")]
    assert names == ["Months", "Classes", "Units", "Components", "Pay most more", "Pay most less"]


def test_a_person_of_one_district_sees_no_more_than_the_district(own_office) -> None:
    from mains.billing.queries.whatif.records import find_whatif, list_whatifs

    central = subtree_of(organisation_ids=[Organisation.objects.get(code="PES-C").pk], on_date=TODAY)
    scope = Scope(organisation_ids=central, permissions=frozenset())
    assert list_whatifs(scope=scope) == []
    assert find_whatif(whatif_id=1, scope=scope) is None
    found = WhatIf.objects.get(pk=1)
    own = plan_whatif(
        documents=[("draft.yaml", dearer())],
        month_from=found.month_from,
        month_to=found.month_to,
        scope=scope,
        now=found.facts_as_of,
    )
    assert [one.pk for one in list_whatifs(scope=scope)] == [own.pk]


@pytest.mark.browser
def test_the_result_is_read_on_a_phone(signed_in) -> None:
    page: Page = signed_in("tariff_specialist", "/what-if/1/", width=360)
    expect(page.locator("[data-island=chart][data-state=ready]").first).to_be_visible()
    card = page.locator("section.card").filter(has=page.locator("#whatif-money-title"))
    card.get_by_role("button", name="Table").click()
    expect(card.get_by_role("table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_draft_of_the_editor_is_tried_as_last_saved_and_linked(own_office) -> None:
    """A tariff specialist, who runs no bills, tries it from its page; the result and the draft name each other."""
    client = own_office.sign_in("tariff_specialist")
    client.cookies["django_language"] = "en"
    address = f"/tariff-drafts/{own_office.draft_id}/"
    form = f"/what-if/?draft={own_office.draft_id}"
    assert form in client.get(address).content.decode()
    assert "as last saved" in client.get(form).content.decode()
    fields = {"draft": own_office.draft_id, "replaces": "ru-electricity-one-rate"}
    answer = client.post("/what-if/", fields | {"month_from": "2021-05", "month_to": "2021-05"})
    assert answer.status_code == 302
    work()
    found = WhatIf.objects.latest("id")
    assert found.drafts[0]["draft_id"] == own_office.draft_id
    assert found.drafts[0]["document"] == TariffDraft.objects.get(pk=own_office.draft_id).document
    assert found.result["after_minor"] > found.result["before_minor"]
    assert address in client.get(answer["Location"]).content.decode()
    changes = client.get(f"{address}changes/")
    (trial,) = changes.context["trials"]
    assert (trial.id, trial.change_minor) == (
        found.pk,
        found.result["after_minor"] - found.result["before_minor"],
    )
    assert answer["Location"] in changes.content.decode()


def test_only_those_who_may_try_are_offered_it(own_office) -> None:
    """An accountant runs bills and may; whoever sees neither drafts nor runs gets neither page."""
    address = f"/tariff-drafts/{own_office.draft_id}/"
    assert (
        f"/what-if/?draft={own_office.draft_id}"
        in own_office.sign_in("accountant").get(address).content.decode()
    )
    clerk = own_office.sign_in("clerk")
    assert clerk.get("/what-if/").status_code == 403
    assert clerk.post("/what-if/", {"draft": own_office.draft_id}).status_code == 403
    assert own_office.sign_in("tariff_specialist").get("/what-if/?draft=999999").status_code == 404


def test_the_command_tries_a_draft_by_its_number(own_office) -> None:
    name = connection.settings_dict["NAME"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mains",
            "whatif",
            "--draft",
            str(own_office.draft_id),
            "--from",
            "2021-05",
            "--json",
        ],
        env=os.environ | {"MAINS_DATABASE": name},
        check=True,
        capture_output=True,
        timeout=100,
        text=True,
    )
    result = json.loads(done.stdout)
    assert result["after_minor"] > result["before_minor"] > 0
    assert WhatIf.objects.get(pk=result["id"]).drafts[0]["draft_id"] == own_office.draft_id
