"""The editor of tariffs over HTTP: both views change one document, nothing typed is lost, two people publish."""

import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from mains.staff.models import User
from mains.tariffs.models import TariffDraft


def draft_of(office) -> TariffDraft:
    return TariffDraft.objects.get(pk=office.draft_id)


def address(name: str, office) -> str:
    return reverse(f"office:{name}", args=[office.draft_id])


def told(office, **more: object) -> dict[str, object]:
    draft = draft_of(office)
    return {"document": draft.document, "revision": draft.revision} | more


def fields(page) -> dict[str, str]:
    """Every field of the form view by its name."""
    found = re.findall(
        r'<input class="[^"]*" id="f-[^"]*" name="([^"]+)" value="([^"]*)"', page.content.decode()
    )
    return {unescape(name): unescape(value) for name, value in found}


def test_the_form_changes_one_figure_and_keeps_every_remark(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    before = draft_of(own_office).document
    shown = fields(client.get(address("draft", own_office)))
    name = next(name for name, value in shown.items() if value == "3.05")
    answer = client.post(address("save_draft", own_office), told(own_office) | shown | {name: "3.95"})
    assert answer.status_code == 302
    after = draft_of(own_office).document
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    assert [(old, new) for old, new in pairs if old != new] == [
        (line, line.replace("3.05", "3.95")) for line in before.splitlines() if "3.05" in line
    ]
    assert draft_of(own_office).revision == 2


def test_checking_says_the_fault_with_its_line_and_field_and_stores_nothing(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    shown = fields(client.get(address("draft", own_office)))
    name = next(name for name in shown if name.endswith('"formula"]'))
    page = client.post(address("check_draft", own_office), told(own_office) | {name: "usage * nonsense"})
    text = page.content.decode()
    assert "“nonsense” is not known here." in text
    path = json.loads(name.removeprefix("f:"))
    assert f'data-field="f-{"-".join(map(str, path))}"' in text
    assert re.search(r'data-line="\d+"', text)
    assert draft_of(own_office).revision == 1


def test_versions_tiers_and_components_come_and_go_without_being_stored(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")

    def do(operation: str, text: str, **more: str) -> str:
        page = client.post(
            address("draft_form", own_office), {"document": text, "revision": "1", "do": operation} | more
        )
        assert page.context["problem"] == ""
        assert page.context["is_changed"]
        return page.context["text"]

    text = do("add-version", draft_of(own_office).document, new_version="2021-07-01")
    page = client.get(address("draft", own_office))
    assert "valid_from: 2021-07-01" in text
    tiers = page.context["page"].prices
    path = next(path for card in tiers for _place, path in card.tiers)
    text = do(f"add-tier:{path}", text)
    text = do(
        'add-component:["components"]', text, new_component="door_fee", new_formula="1 [RUB/month] * months"
    )
    text = do("add-attribute", text, new_attribute="area", new_kind="m2")
    text = do('add-price:["versions", 0, "prices"]', text, new_price="rider", new_unit="RUB/kWh")
    checked = client.post(address("check_draft", own_office), {"document": text})
    assert checked.context["faults"] == []
    tariff = checked.context["tariff_read"]
    assert tariff.printed_order[-1] == "door_fee"
    assert str(tariff.attributes["area"].unit) == "m2"
    assert "rider" in tariff.versions[0].tables
    assert len(tariff.versions) == 2
    place = tariff.printed_order.index("door_fee")
    assert "door_fee" not in do(f'remove:["components", {place}]', text)
    assert draft_of(own_office).revision == 1


def test_a_conflict_shows_both_and_keeps_what_was_typed(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    mine = told(own_office, view="text")
    theirs = client.post(
        address("save_draft", own_office), mine | {"document": mine["document"] + "# theirs\n"}
    )
    assert theirs.status_code == 302
    answer = client.post(
        address("save_draft", own_office), mine | {"document": mine["document"] + "# mine\n"}
    )
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "# mine" in page
    assert "# theirs" in page
    assert draft_of(own_office).document.endswith("# theirs\n")
    # Saving again from what the page now shows is a decision, and the history keeps both.
    again = {"document": answer.context["text"], "revision": answer.context["revision"], "view": "text"}
    assert client.post(address("save_draft", own_office), again).status_code == 302
    assert draft_of(own_office).document.endswith("# mine\n")
    saved = draft_of(own_office).steps.filter(kind="saved").order_by("id")
    assert saved.count() == 2
    then = client.get(address("draft_history", own_office), {"step": saved[0].pk})
    assert then.context["text"].endswith("# theirs\n")
    assert [line.text for line in then.context["lines"] if line.kind != "same"][1:] == ["# theirs", "# mine"]


def test_trying_shows_the_bill_beside_the_one_in_force(own_office) -> None:
    client = own_office.sign_in("accountant")
    facts = {"first_day": "2021-05-01", "last_day": "2021-05-31", "usage": "100"}
    facts |= {"attribute.category": "household", "attribute.metered": "yes"}
    page = client.get(address("try_draft", own_office), facts)
    energy = page.context["rows"][1]
    assert (energy.draft, energy.in_force, energy.difference) == ("305.00", "304.00", "+1.00")
    assert "formula-tree" in page.content.decode()
    refused = client.get(address("try_draft", own_office), facts | {"usage": "a lot"})
    assert refused.context["rated"].result is None
    assert "is not a number" in refused.content.decode()


def test_a_case_from_the_trial_is_kept_and_run(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    page = client.get(address("try_draft", own_office), {"usage": "100", "attribute.category": "household"})
    kept = client.post(
        address("add_case", own_office), {"name": "100 kWh", "text": page.context["case_text"]}
    )
    assert kept.status_code == 302
    shown = client.get(address("draft_cases", own_office))
    assert (shown.context["passed"], shown.context["failed"]) == (1, 0)
    wrong = page.context["case_text"].replace("305", "304")
    client.post(address("add_case", own_office), {"name": "100 kWh", "text": wrong})
    shown = client.get(address("draft_cases", own_office))
    assert (shown.context["passed"], shown.context["failed"]) == (0, 1)
    assert "expected 304, computed 305" in shown.content.decode()
    typed = client.post(address("add_case", own_office), {"name": "bad", "text": "facts: [x"})
    assert "facts: [x" in typed.content.decode()
    assert "bad" in typed.content.decode()


def test_two_people_publish_on_the_pages(own_office) -> None:
    writer, other = own_office.sign_in("tariff_specialist"), own_office.sign_in("accountant")
    refused = writer.post(
        address("submit_draft", own_office), {"revision": 1, "note": "Order 57"}, follow=True
    )
    assert "Prices of days gone by change" in refused.content.decode()
    assert 'value="Order 57"' in refused.content.decode()
    writer.post(
        address("submit_draft", own_office),
        {"revision": 1, "note": "Order 57", "past_reason": "Ruling of the court"},
    )
    assert draft_of(own_office).state == "submitted"
    assert writer.post(address("decide_draft", own_office), {"decision": "publish"}).status_code == 403
    shown = other.get(address("draft_changes", own_office)).content.decode()
    assert "Ruling of the court" in shown
    assert "+0.33" in shown
    other.post(address("decide_draft", own_office), {"decision": "publish", "reason": "checked"})
    assert draft_of(own_office).state == "published"
    page = other.get(reverse("office:tariff", args=["ru-electricity-one-rate"])).content.decode()
    assert "3.05" in page
    assert "Order 57" in page


def test_the_administrator_who_wrote_it_cannot_publish_it(own_office) -> None:
    client = own_office.sign_in("administrator")
    client.post(address("save_draft", own_office), told(own_office, document="tariff: x\n"))
    fixed = draft_of(own_office).steps.get(kind="begun").document
    client.post(address("save_draft", own_office), told(own_office, document=fixed))
    client.post(
        address("submit_draft", own_office),
        {"revision": draft_of(own_office).revision, "note": "x", "past_reason": "y"},
    )
    answer = client.post(address("decide_draft", own_office), {"decision": "publish"}, follow=True)
    assert "Who wrote or submitted a draft cannot publish it." in answer.content.decode()
    assert draft_of(own_office).state == "submitted"


def test_a_new_tariff_starts_from_a_form_or_a_copy(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    new = reverse("office:new_draft")
    answer = client.post(new, {"code": "zones-2021", "start": "three-zones-tiers-vat"}, follow=True)
    assert answer.context["faults"] == []
    taken = client.post(new, {"code": "ru-electricity-one-rate", "start": "one-price-vat"})
    assert "There is a tariff of this code" in taken.content.decode()
    copied = client.post(
        new,
        {"code": "copy-1", "copied": "ru-electricity-one-rate", "start": "copy:ru-electricity-one-rate"},
        follow=True,
    )
    assert copied.context["faults"] == []
    assert "tariff: copy-1" in copied.context["text"]
    assert client.get(new + "?copy=nothing").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "tariff: <script>alert(1)</script>\n",
        'title: {en: "<img src=x onerror=alert(1)>"}\n',
        "a: [\n",
        "",
        "[1, 2]\n",
        "- x\n",
        "versions: [1, {valid_from: 2021-01-01, prices: 3}]\ncomponents: x\nprices: [y]\n",
        "prices: {a: {tiers: {150: [1]}, by: {x: 1}}}\n",
        "components: {energy: [1], vat: {title: [a, {b: c}]}}\n",
    ],
)
def test_whatever_is_typed_is_answered_and_never_becomes_markup(own_office, text) -> None:
    client = own_office.sign_in("tariff_specialist")
    for name in ("check_draft", "draft_form"):
        page = client.post(address(name, own_office), {"document": text, "revision": "1"})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()
    client.post(address("save_draft", own_office), {"document": text, "revision": "1"})
    for name in ("draft", "draft_text", "try_draft", "draft_cases", "draft_changes"):
        page = client.get(address(name, own_office))
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()


def test_a_megabyte_is_refused_and_comes_back(own_office) -> None:
    client = own_office.sign_in("tariff_specialist")
    long = "# " + "x" * 1_000_000 + "\n"
    answer = client.post(
        address("save_draft", own_office), {"document": long, "revision": "1", "view": "text"}
    )
    assert answer.status_code == 400
    assert "at most 200000" in answer.content.decode()
    assert draft_of(own_office).revision == 1


def test_forged_requests_are_refused(own_office) -> None:
    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    client.force_login(User.objects.get(username=own_office.people["accountant"]))
    assert client.post(address("decide_draft", own_office), {"decision": "publish"}).status_code == 403
