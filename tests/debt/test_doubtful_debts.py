"""Provisions by age, limitation by dated rules, and interest on bills that were recalculated."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from debt_cast import approve, people, run_interest, state_rules
from mains.base.columns import append_frame, ensure_month_partitions
from mains.customers.models import Agreement
from mains.customers.queries.records import find_account
from mains.debt.actions.acknowledgements import (
    UnableToAcknowledge,
    record_acknowledgement,
    withdraw_acknowledgement,
)
from mains.debt.actions.decisions import decide_proposal
from mains.debt.actions.movements import propose_write_off
from mains.debt.actions.provisions import UnableToProvide, propose_provision
from mains.debt.actions.terms import UnableToStateTerms, state_limitation, state_provision
from mains.debt.queries.acknowledgements import list_acknowledgements
from mains.debt.queries.interest import list_posted
from mains.debt.queries.open_debts import list_barred, list_open_debts, list_supplies
from mains.debt.queries.provisions import list_provisions
from mains.debt.queries.replay import replay_interest
from mains.debt.values import Interruption
from mains.ledger.models import Entry, Posting
from mains.ledger.queries import invariants as ledger_invariants
from mains.staff.models import Proposal
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

MAY = date(2021, 5, 31)
PERCENTS = {"days_90": Decimal(10), "older": Decimal(100)}


def control(name: str) -> int:
    return sum(Posting.objects.filter(control=name).values_list("amount_minor", flat=True))


def limitation(years: int, *, interruption: Interruption = Interruption.NEVER, service: str = "") -> None:
    state_limitation(
        years=years,
        interruption=interruption,
        service=service,
        valid_from=date(2010, 1, 1),
        proof="Civil Code 196",
        actor=None,
        now=NOW,
    )


def provide(day: date) -> int:
    propose_provision(on_date=day, reason="Month end", now=NOW, actor_id=people()[0])
    proposal = Proposal.objects.filter(kind="provision").latest("id")
    decide_proposal(proposal_id=proposal.pk, agrees=True, now=NOW, actor_id=people()[1])
    return proposal.pk


def test_a_provision_posts_the_difference_that_another_person_approved(cast: Cast) -> None:
    state_provision(percents=PERCENTS, valid_from=date(2021, 1, 1), proof="Policy", actor=None, now=NOW)
    old = cast.bill("anna", 30_000, on=date(2019, 12, 31), due=date(2020, 1, 10))
    cast.bill("boris", 12_345, on=date(2021, 3, 1), due=date(2021, 3, 20))
    proposal = provide(MAY)
    assert control("bad_debt") == 31_235, "all of the old debt, a tenth of the one of 72 days, half up"
    assert control("allowance") == -31_235
    with pytest.raises(UnableToProvide) as nothing:
        propose_provision(on_date=MAY, reason="Again", now=NOW, actor_id=people()[0])
    assert nothing.value.code == "provision-nothing"
    approve(
        propose_write_off(
            item_id=old, account_id=cast.accounts["anna"], amount_minor=30_000, reason="Barred",
            document="Order", now=NOW, actor_id=people()[0],
        )
    )  # fmt: skip
    assert control("allowance") == -1_235, "a write-off uses the allowance"
    assert control("bad_debt") == 31_235
    assert [(one.proposal_id, one.agrees) for one in list_provisions()] == [(proposal, True)]
    assert ledger_invariants.find_breaches() == []


def test_a_provision_computed_from_other_debts_is_not_posted(cast: Cast) -> None:
    state_provision(percents=PERCENTS, valid_from=date(2021, 1, 1), proof="Policy", actor=None, now=NOW)
    cast.bill("anna", 30_000, on=date(2019, 12, 31), due=date(2020, 1, 10))
    propose_provision(on_date=MAY, reason="Month end", now=NOW, actor_id=people()[0])
    cast.pay(("anna", "2021-05-10", "100.00", "LATE"))
    with pytest.raises(UnableToProvide) as changed:
        decide_proposal(proposal_id=Proposal.objects.get().pk, agrees=True, now=NOW, actor_id=people()[1])
    assert changed.value.code == "provision-changed"
    assert control("allowance") == 0


def test_without_a_rule_nothing_is_provided(cast: Cast) -> None:
    with pytest.raises(UnableToProvide):
        propose_provision(on_date=MAY, reason="Month end", now=NOW, actor_id=people()[0])
    with pytest.raises(UnableToStateTerms):
        state_provision(percents={"ancient": 1}, valid_from=MAY, proof="Policy", actor=None, now=NOW)
    with pytest.raises(UnableToStateTerms):
        limitation(0)


def test_limitation_runs_from_the_due_date_and_a_part_payment_starts_it_anew(cast: Cast) -> None:
    cast.bill("anna", 30_000, on=date(2018, 1, 1), due=date(2018, 2, 28))
    account = cast.accounts["anna"]
    assert list_open_debts(account_id=account, today=MAY)[0].barred_after is None, "no rule, no date"
    limitation(3)
    assert list_open_debts(account_id=account, today=MAY)[0].barred_after == date(2021, 2, 28)
    cast.pay(("anna", "2020-06-15", "100.00", "PART"))
    assert list_open_debts(account_id=account, today=MAY)[0].barred_after == date(2021, 2, 28)
    limitation(3, interruption=Interruption.PART_PAYMENT)
    assert list_open_debts(account_id=account, today=MAY)[0].barred_after == date(2023, 6, 15)
    limitation(2, interruption=Interruption.PART_PAYMENT)
    assert list_open_debts(account_id=account, today=MAY)[0].barred_after == date(2020, 2, 28), "too late"


def test_a_letter_of_the_customer_starts_limitation_anew_until_it_is_withdrawn(cast: Cast) -> None:
    cast.bill("anna", 30_000, on=date(2018, 1, 1), due=date(2018, 2, 28))
    cast.bill("anna", 5_000, on=date(2020, 1, 1), due=date(2020, 2, 29))
    limitation(3, interruption=Interruption.PART_PAYMENT)
    anna = find_account(number=cast.numbers["anna"], scope=EVERYTHING, on_date=MAY)
    told = {"account": anna, "today": MAY, "actor": None, "now": NOW}

    def barred() -> list[date | None]:
        return [one.barred_after for one in list_open_debts(account_id=anna.id, today=MAY)]

    old, young = (one.item_id for one in list_open_debts(account_id=anna.id, today=MAY))
    assert barred() == [date(2021, 2, 28), date(2023, 2, 28)]
    made = record_acknowledgement(
        acknowledged_on=date(2020, 12, 1), document="Letter of 1 December 2020", item_id=old, **told
    )
    assert barred() == [date(2023, 12, 1), date(2023, 2, 28)]
    record_acknowledgement(acknowledged_on=date(2021, 3, 1), document="Reconciliation 7", **told)
    assert barred() == [date(2024, 3, 1), date(2024, 3, 1)]
    assert [one.document for one in list_acknowledgements(account_id=anna.id)] == [
        "Reconciliation 7",
        "Letter of 1 December 2020",
    ]
    # Without the letter the time of the old debt was up before the reconciliation, which revives nothing.
    withdraw_acknowledgement(
        acknowledgement_id=made.pk, account_id=anna.id, reason="Of another account", actor=None, now=NOW
    )
    assert barred() == [date(2021, 2, 28), date(2024, 3, 1)]
    for wrong in (
        {"acknowledged_on": date(2021, 3, 1), "document": " "},
        {"acknowledged_on": MAY + timedelta(days=1), "document": "x"},
        {"acknowledged_on": date(2017, 1, 1), "document": "x"},
        {"acknowledged_on": date(2021, 3, 1), "document": "x", "item_id": young, "service": "gas"},
    ):
        with pytest.raises(UnableToAcknowledge):
            record_acknowledgement(**wrong, **told)


def test_time_barred_debts_are_listed_by_day_service_and_scope(cast: Cast) -> None:
    limitation(3)
    limitation(1, service="cold_water")
    cast.bill("anna", 30_000, on=date(2018, 1, 1), due=date(2018, 2, 10))
    cast.bill("dilek", 5_000, on=date(2018, 1, 1), due=date(2019, 2, 10))
    cast.bill("chen", 700, on=date(2020, 1, 1), due=date(2020, 2, 10), service="cold_water")

    def listed(scope: Scope = EVERYTHING, by: date = MAY, service: str = "") -> list[int]:
        return [one.outstanding_minor for one in list_barred(scope=scope, by=by, service=service)]

    assert listed() == [30_000, 700]
    assert listed(service="cold_water") == [700]
    assert listed(by=date(2022, 2, 10)) == [30_000, 5_000, 700]
    south = Scope(organisation_ids=frozenset({cast.units["South"]}), permissions=frozenset())
    assert listed(south, by=date(2022, 2, 10)) == [5_000]


def test_interest_follows_a_bill_that_was_recalculated(cast: Cast) -> None:
    """January was billed 300.00 too high; the bill of May gives it back, and the interest on it too."""
    state_rules(document="interest: flat\ncurrency: RUB\nsteps: [{factor: 1/365}]", percent="36.5")
    january = bill(cast, date(2021, 1, 1), 100_000, due=date(2021, 2, 10))
    run_interest(cast, date(2021, 4, 30))
    before = sum(Entry.objects.filter(kind="interest").values_list("amount_minor", flat=True))
    assert before == 7_900, "79 days of a thousandth"
    bill(
        cast, date(2021, 5, 1), 20_000, due=date(2021, 6, 10), corrected=-30_000, at=NOW + timedelta(hours=1)
    )
    run = run_interest(cast, MAY, now=NOW + timedelta(hours=2))
    assert run.correction_minor == -2_370
    assert run.amount_minor == -2_370 + 31 * 70
    found = list_posted(account_id=cast.accounts["anna"])
    assert (found[0].item_id, found[0].cause, found[0].total_minor) == (january, "bill", 7_700)
    assert replay_interest(account_ids=[cast.accounts["anna"]]) == []


def bill(cast: Cast, month: date, minor: int, *, due: date, corrected: int = 0, at: object = NOW) -> int:
    """A bill with its lines, as a run writes them; `corrected` of it recalculates January. Its open item."""
    account = cast.accounts["anna"]
    agreement = Agreement.objects.get(account_id=account)
    issued = month + timedelta(days=27)
    number = month.month
    for table in ("billing_bill", "billing_billline"):
        ensure_month_partitions(table, [month])
    head = {
        "month": month, "id": number, "run_id": 1, "account_id": account, "organisation_id": cast.places["anna"],
        "issued_on": issued, "due_on": due, "amount_minor": minor, "correction_minor": corrected,
        "tax_minor": 0, "quantity_micro": 0, "estimated_days": 0, "recorded_at": at,
    }  # fmt: skip
    append_frame(pl.DataFrame([head]), "billing_bill")
    parts = [(month, minor - corrected)] + ([(date(2021, 1, 1), corrected)] if corrected else [])
    lines = [
        {
            "month": month, "bill_id": number, "line": place, "agreement_id": agreement.pk,
            "service_point_id": agreement.service_point_id, "tariff_edition_id": 1, "service_month": of,
            "component": "energy", "kind": "charge", "from_date": of, "to_date": of + timedelta(days=28),
            "quantity_micro": 0, "amount_minor": amount,
        }
        for place, (of, amount) in enumerate(parts)
    ]  # fmt: skip
    append_frame(pl.DataFrame(lines), "billing_billline")
    entry = {
        "account_id": account, "organisation_id": cast.places["anna"], "provider_id": cast.parties["power"],
        "service": "electricity", "kind": "bill", "amount_minor": minor, "correction_minor": corrected,
        "due_date": due, "document_id": number,
    }  # fmt: skip
    return cast.post([entry], on=issued, now=at).entry_ids[0]


def test_supplies_show_what_is_in_credit(cast: Cast) -> None:
    cast.pay(("chen", "2021-03-10", "30.00", "ADVANCE"))
    found = list_supplies(account_id=cast.accounts["chen"])
    assert {one.service for one in found} == {"cold_water", "electricity"}
    assert sorted(one.credit_minor for one in found) == [0, 3_000]
