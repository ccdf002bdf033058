"""Every dimension of the turnover sums to the same total, within any slice, down to accounts, as of any instant."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from psycopg.types.range import DateRange

from mains.customers.models import Agreement, Responsibility
from mains.ledger.models import Transaction
from mains.network.models import Node, NodePlacement, ServicePoint
from mains.reporting.actions.turnover_tally import rebuild_turnover, refresh_turnover
from mains.reporting.models import TurnoverTally
from mains.reporting.queries.turnover import Figures, UnableToReportTurnover, turnover
from mains.reporting.queries.turnover_slices import (
    Dimension,
    Slice,
    count_untallied,
    path_of_node,
    turnover_accounts,
    turnover_by,
)
from mains.staff.models import User
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, OPENED, Cast

APRIL, MAY, JUNE = (date(2021, month, 1) for month in (4, 5, 6))
ASKED = Slice(month_from=APRIL, month_to=MAY)
NEXT = datetime(2021, 6, 20, tzinfo=UTC)


@pytest.fixture
def story(cast: Cast) -> Cast:
    """A source feeds F-1 and F-2; Dilek hangs on F-2 and is commercial; an officer answers for Anna and Boris."""
    source = Node.objects.create(service="electricity", kind="source", code="S-1", name="Source")
    second = Node.objects.create(service="electricity", kind="feeder", code="F-2", name="Feeder 2")
    placed = {"valid": DateRange(OPENED, None), "recorded_at": NOW}
    NodePlacement.objects.create(node=source, parent=None, **placed)
    for node in (Node.objects.get(code="F-1"), second):
        NodePlacement.objects.create(node=node, parent=source, **placed)
    ServicePoint.objects.filter(agreements__account_id=cast.accounts["dilek"]).update(node=second)
    agreement = Agreement.objects.get(account_id=cast.accounts["dilek"])
    Agreement.objects.filter(pk=agreement.pk).update(superseded_at=NOW)
    agreement.pk, agreement.category = None, "commercial"
    agreement.save()
    officer = User.objects.create(username="officer")
    for name in ("anna", "boris"):
        Responsibility.objects.create(account_id=cast.accounts[name], officer=officer, **placed)
    for name, amount in (("anna", 10_000), ("boris", 7_000), ("chen", 6_000), ("dilek", 2_000)):
        cast.bill(name, amount, on=date(2021, 3, 31))
        cast.bill(name, amount + 500, on=date(2021, 4, 30), correction_minor=500)
    cast.bill("chen", 1_500, on=date(2021, 4, 30), service="cold_water")
    cast.pay(
        ("anna", "2021-04-12", "60.00", "R-1"),
        ("dilek", "2021-05-02", "45.00", "R-2"),
        ("emre", "2021-04-30", "3.00", "R-3"),
    )
    refresh_turnover()
    return cast


def summed(rows) -> Figures:
    return sum((row.figures for row in rows), start=Figures())


@pytest.mark.parametrize("by", [one for one in Dimension if one not in (Dimension.MONTH, Dimension.ACCOUNT)])
def test_each_dimension_sums_to_the_statement_by_units(story: Cast, by: Dimension) -> None:
    for month_from, month_to in ((APRIL, MAY), (MAY, JUNE), (date(2021, 3, 1), JUNE)):
        asked = Slice(month_from=month_from, month_to=month_to)
        whole = turnover(scope=EVERYTHING, month_from=month_from, month_to=month_to).total
        level = turnover_by(scope=EVERYTHING, asked=asked, by=by)
        assert level.total == summed(level.rows) == whole


def test_the_network_is_walked_down_to_accounts(story: Cast) -> None:
    top = turnover_by(scope=EVERYTHING, asked=ASKED, by=Dimension.NODE)
    second = next(row for row in top.rows if row.code == "F-2")
    assert second.figures == Figures(opening_minor=2_000, accrued_minor=2_000, recalculated_minor=500)
    asked = replace(ASKED, node=int(second.key))
    accounts = turnover_accounts(scope=EVERYTHING, asked=asked)
    assert [row.code for row in accounts.rows] == [story.numbers["dilek"]]
    assert summed(accounts.rows) == accounts.total == second.figures
    assert [name for _id, name in path_of_node(node_id=int(second.key), on_date=APRIL)] == [
        "Source",
        "Feeder 2",
    ]


def test_slices_of_several_dimensions_are_summed_from_the_same_accounts(story: Cast) -> None:
    person = User.objects.get(username="officer").pk
    for asked in (
        replace(ASKED, category="household", service="electricity"),
        replace(ASKED, person=person),
        replace(ASKED, unit=story.units["North"], provider=story.parties["water"]),
        replace(ASKED, category="commercial", month_to=JUNE),
    ):
        rows, after = [], 0
        while True:
            page = turnover_accounts(scope=EVERYTHING, asked=asked, after=after, limit=1)
            rows += page.rows
            if page.next_after is None:
                break
            after = page.next_after
        assert rows
        assert (
            summed(rows)
            == page.total
            == turnover_by(scope=EVERYTHING, asked=asked, by=Dimension.TARIFF).total
        )


def test_months_follow_each_other(story: Cast) -> None:
    level = turnover_by(scope=EVERYTHING, asked=replace(ASKED, month_to=JUNE), by=Dimension.MONTH)
    april, may = level.rows
    assert april.figures.closing_minor == may.figures.opening_minor
    assert may.figures.closing_minor == level.total.closing_minor


def test_what_was_recorded_later_is_left_out_as_of_before(story: Cast) -> None:
    before = turnover_by(scope=EVERYTHING, asked=ASKED, by=Dimension.SERVICE).total
    story.bill("anna", 999, on=date(2021, 4, 30), now=NEXT)
    assert count_untallied() == 1
    assert refresh_turnover().transactions == 1
    assert count_untallied() == 0
    asked = replace(ASKED, as_of=datetime(2021, 6, 19, tzinfo=UTC))
    assert turnover_by(scope=EVERYTHING, asked=asked, by=Dimension.SERVICE).total == before
    assert turnover_by(scope=EVERYTHING, asked=ASKED, by=Dimension.SERVICE).total != before


def test_computing_the_tallies_anew_gives_the_same(story: Cast) -> None:
    fields = [one.attname for one in TurnoverTally._meta.fields if one.attname != "id"]
    before = sorted(TurnoverTally.objects.values_list(*fields))
    assert rebuild_turnover().transactions == Transaction.objects.count()
    assert sorted(TurnoverTally.objects.values_list(*fields)) == before


def test_a_person_sees_the_slice_of_their_units(story: Cast) -> None:
    scope = Scope(organisation_ids=frozenset({story.units["South"]}), permissions=frozenset())
    level = turnover_by(scope=scope, asked=ASKED, by=Dimension.CLASS)
    assert {row.key for row in level.rows} == {"commercial", ""}
    assert [row.code for row in turnover_accounts(scope=scope, asked=ASKED).rows] == [
        story.numbers["dilek"],
        story.numbers["emre"],
    ]
    with pytest.raises(UnableToReportTurnover):
        turnover_by(scope=scope, asked=replace(ASKED, unit=story.units["North"]), by=Dimension.CLASS)
