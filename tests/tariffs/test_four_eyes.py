"""A draft becomes an edition only by two people, without faults, with its cases passing."""

import pytest
from django.db import IntegrityError, connection, transaction

from mains.staff.models import User
from mains.staff.values import EVERYTHING, Scope
from mains.tariffs.actions.decisions import (
    UnableToDecide,
    UnableToPass,
    publish_draft,
    refuse_draft,
    submit_draft,
)
from mains.tariffs.actions.draft_cases import drop_case, keep_case
from mains.tariffs.actions.drafts import (
    UnableToBeginDraft,
    UnableToSaveDraft,
    begin_draft,
    rebase_draft,
    resume_draft,
    save_draft,
    withdraw_draft,
)
from mains.tariffs.actions.publish import publish_tariff
from mains.tariffs.models import TariffDraft, TariffDraftStep, TariffEdition
from mains.tariffs.queries.cases import UnableToReadTestCase, list_cases
from mains.tariffs.queries.drafts import UnableToFindDraft, get_draft, get_draft_document, list_draft_steps
from mains.tariffs.queries.records import find_tariff
from tariff_cast import HOME, MAY_BILL, NEXT_VERSION, NOW, TODAY

NEXT = HOME + NEXT_VERSION


def begun(actor: User, document: str = NEXT, code: str = "home") -> TariffDraft:
    return begin_draft(code=code, title="July prices", document=document, actor=actor, now=NOW)


def submit(draft: TariffDraft, actor: User, now, **told: str) -> None:
    draft.refresh_from_db()
    said = {"note": "Order 57", "past_reason": ""} | told
    submit_draft(draft_id=draft.pk, revision=draft.revision, today=TODAY, actor=actor, now=now, **said)


def publish(draft: TariffDraft, actor: User, now) -> TariffEdition:
    return publish_draft(draft_id=draft.pk, reason="checked", today=TODAY, actor=actor, now=now)


def test_two_people_publish_and_every_step_is_kept(home, olga, pavel, later) -> None:
    draft = begun(olga)
    submit(draft, olga, later(1))
    with pytest.raises(UnableToDecide) as refused:
        publish(draft, olga, later(2))
    assert refused.value.code == "four-eyes"
    edition = publish(draft, pavel, later(3))
    in_force = find_tariff(code="home")
    assert in_force
    assert (in_force.edition_id, in_force.document) == (edition.pk, NEXT)
    assert (edition.recorded_by_id, edition.proof) == (pavel.pk, "Order 57")
    home.refresh_from_db()
    assert home.superseded_at == later(3)
    steps = [(step.kind, step.by, step.reason) for step in list_draft_steps(draft_id=draft.pk)]
    assert steps == [
        ("published", "Pavel", "checked"),
        ("submitted", "Olga Ivanova", "Order 57"),
        ("begun", "Olga Ivanova", ""),
    ]


def test_whoever_wrote_a_part_of_it_cannot_publish_it(home, olga, pavel, later) -> None:
    draft = begun(olga)
    save_draft(draft_id=draft.pk, revision=1, document=NEXT + "# pavel\n", actor=pavel, now=later(1))
    submit(draft, olga, later(2))
    with pytest.raises(UnableToDecide, match="cannot publish"):
        publish(draft, pavel, later(3))
    only_a_case = begun(olga)
    keep_case(draft_id=only_a_case.pk, name="May", case_text=MAY_BILL, actor=pavel, now=later(4))
    submit(only_a_case, olga, later(5))
    with pytest.raises(UnableToDecide, match="cannot publish"):
        publish(only_a_case, pavel, later(6))


def test_a_failing_case_stands_in_the_way_and_passes_on_with_the_tariff(home, olga, pavel, later) -> None:
    draft = begun(olga)
    wrong = MAY_BILL.replace("42.00", "41.00")
    keep_case(draft_id=draft.pk, name="May, 150 kWh", case_text=wrong, actor=olga, now=later(1))
    with pytest.raises(UnableToPass, match="May, 150 kWh"):
        submit(draft, olga, later(2))
    keep_case(draft_id=draft.pk, name="May, 150 kWh", case_text=MAY_BILL, actor=olga, now=later(3))
    submit(draft, olga, later(4))
    assert list_cases(code="home") == []
    publish(draft, pavel, later(5))
    assert [case.name for case in list_cases(code="home")] == ["May, 150 kWh"]
    # The next draft has to pass it as well, or to leave it out for all to see.
    dearer = begin_draft(
        code="home", title="x", document=NEXT.replace("0.30", "0.31"), actor=olga, now=later(6)
    )
    with pytest.raises(UnableToPass) as failing:
        submit(dearer, olga, later(7), past_reason="court ruling")
    assert failing.value.code == "case-failing"
    drop_case(draft_id=dearer.pk, name="May, 150 kWh", actor=olga, now=later(8))
    submit(dearer, olga, later(9), past_reason="court ruling")
    publish(dearer, pavel, later(10))
    assert list_cases(code="home") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("facts: {period: 2024-05, usage: 150}\n", "document-syntax"),
        ("facts:\n  period: 2024-05\n  usage: 150\n", "case-expects-nothing"),
        ("facts:\n  period: 2024-05\n  usage: 150\nexpect: {total: 1}\nservices: []\n", ""),
        ("tariff: x\n" + MAY_BILL, "key-twice"),
        ("a" * 60_000, "case-too-long"),
        ("facts:\n  usage: 3\nexpect:\n  total: 1\n", ""),
    ],
)
def test_a_text_that_is_no_case_is_refused_with_its_place(home, olga, text, code) -> None:
    from mains.kernel.errors import MainsError

    draft = begun(olga)
    if not code:
        text = text.replace("services: []", "services:\n  - {}")
    with pytest.raises(MainsError) as refused:
        keep_case(draft_id=draft.pk, name="x", case_text=text, actor=olga, now=NOW)
    assert refused.value.message
    if code in ("case-expects-nothing", "key-twice", "case-too-long"):
        assert refused.value.code == code
    assert list_cases(code="home", draft_id=draft.pk) == []


def test_faults_stand_in_the_way(home, olga, later) -> None:
    draft = begun(olga, document=NEXT.replace("vat * charges", "vat * usage"))
    with pytest.raises(UnableToPass) as refused:
        submit(draft, olga, later(1))
    assert refused.value.code == "draft-faulty"
    assert "line 9" in refused.value.place


def test_prices_of_the_past_change_only_with_a_stated_reason(home, olga, pavel, later) -> None:
    draft = begun(olga, document=HOME.replace("0.20]", "0.19]"))
    with pytest.raises(UnableToPass, match="days gone by"):
        submit(draft, olga, later(1))
    submit(draft, olga, later(2), past_reason="Ruling 12 of the court")
    publish(draft, pavel, later(3))
    draft.refresh_from_db()
    assert draft.past_reason == "Ruling 12 of the court"
    only_future = begun(olga, document=HOME.replace("0.20]", "0.19]") + NEXT_VERSION)
    submit(only_future, olga, later(4))


def test_the_second_save_from_one_revision_is_a_conflict_and_overwrites_nothing(
    home, olga, pavel, later
) -> None:
    draft = begun(olga)
    save_draft(draft_id=draft.pk, revision=1, document=NEXT + "# hers\n", actor=olga, now=later(1))
    with pytest.raises(UnableToSaveDraft) as conflict:
        save_draft(draft_id=draft.pk, revision=1, document=NEXT + "# his\n", actor=pavel, now=later(2))
    assert (conflict.value.code, conflict.value.params["revision"]) == ("draft-conflict", 2)
    assert get_draft_document(draft_id=draft.pk, scope=EVERYTHING).endswith("# hers\n")
    # The same text again is no conflict: a form sent twice.
    save_draft(draft_id=draft.pk, revision=1, document=NEXT + "# hers\r\n", actor=olga, now=later(3))
    assert TariffDraftStep.objects.filter(draft=draft, kind="saved").count() == 1


def test_what_was_submitted_is_what_is_published(home, olga, later) -> None:
    draft = begun(olga)
    submit(draft, olga, later(1))
    with pytest.raises(UnableToSaveDraft, match="not open"):
        save_draft(draft_id=draft.pk, revision=1, document="x: 1", actor=olga, now=later(2))


def test_refused_with_a_reason_and_taken_up_again(home, olga, pavel, later) -> None:
    draft = begun(olga)
    submit(draft, olga, later(1))
    with pytest.raises(UnableToDecide, match="reason is missing"):
        refuse_draft(draft_id=draft.pk, reason=" ", actor=pavel, now=later(2))
    refuse_draft(draft_id=draft.pk, reason="The order says 0.23.", actor=pavel, now=later(3))
    resume_draft(draft_id=draft.pk, actor=olga, now=later(4))
    withdraw_draft(draft_id=draft.pk, reason="", actor=olga, now=later(5))
    draft.refresh_from_db()
    assert draft.state == "withdrawn"
    with pytest.raises(UnableToDecide):
        publish(draft, pavel, later(6))


def test_an_edition_published_meanwhile_is_not_undone(home, olga, pavel, later) -> None:
    draft = begun(olga)
    other = publish_tariff(document=HOME + "# other\n", now=later(1))
    with pytest.raises(UnableToPass) as outdated:
        submit(draft, olga, later(2))
    assert outdated.value.code == "draft-outdated"
    with pytest.raises(UnableToSaveDraft, match="no longer in force"):
        rebase_draft(draft_id=draft.pk, edition_id=home.pk, actor=olga, now=later(3))
    rebase_draft(draft_id=draft.pk, edition_id=other.pk, actor=olga, now=later(3))
    submit(draft, olga, later(4))


def test_a_new_tariff_comes_into_being_by_its_draft(olga, pavel, later) -> None:
    draft = begun(olga, document=HOME.replace("home", "cottage"), code="cottage")
    assert find_tariff(code="cottage") is None
    submit(draft, olga, later(1))
    publish(draft, pavel, later(2))
    assert find_tariff(code="cottage")


@pytest.mark.parametrize("code", ["", "a b", "a/b", "<script>", "x" * 81])
def test_codes_that_no_address_can_carry_are_refused(olga, code) -> None:
    with pytest.raises(UnableToBeginDraft):
        begun(olga, code=code)


def test_a_draft_is_seen_by_those_who_may(home, olga) -> None:
    draft = begun(olga)
    clerk = Scope(organisation_ids=None, permissions=frozenset({"see_accounts", "see_money"}))
    for number, scope in ((draft.pk, clerk), (10**9, EVERYTHING)):
        with pytest.raises(UnableToFindDraft):
            get_draft(draft_id=number, scope=scope)


def test_a_document_too_long_is_refused_and_the_longest_is_checked(home, olga) -> None:
    with pytest.raises(UnableToSaveDraft, match="at most"):
        begun(olga, document="# " + "x" * 1_000_000)
    with pytest.raises(UnableToSaveDraft, match="no text"):
        begun(olga, document="a: \x00")


def test_the_database_keeps_steps_and_cases(home, olga, later) -> None:
    draft = begun(olga)
    keep_case(draft_id=draft.pk, name="May", case_text=MAY_BILL, actor=olga, now=later(1))
    for statement in (
        "UPDATE tariffs_tariffdraftstep SET reason = 'x'",
        "DELETE FROM tariffs_tariffdraftstep",
        "UPDATE tariffs_tariffcase SET document = 'x'",
        "UPDATE tariffs_tariffdraft SET state = 'published'",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_case_that_the_draft_misses_says_so(home, olga) -> None:
    draft = begun(olga)
    with pytest.raises(UnableToReadTestCase):
        keep_case(
            draft_id=draft.pk,
            name="x",
            case_text="facts:\n  period: 2024-05\n  usage: 1\n",
            actor=olga,
            now=NOW,
        )
