"""Each level of the turnover statement sums to the one above, for any period and as of any recorded time."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg.types.range import DateRange

from mains.ledger.queries.current_account import current_account
from mains.reporting.queries.turnover import (
    Figures,
    RowKind,
    TurnoverLevel,
    UnableToReportTurnover,
    all_rows,
    turnover,
    turnover_by_supply,
)
from mains.staff.models import Organisation, OrganisationPlacement
from mains.staff.values import EVERYTHING, Scope
from money_cast import NOW, Cast

MARCH, APRIL, MAY, JUNE = (date(2021, month, 1) for month in (3, 4, 5, 6))


@pytest.fixture
def story(cast: Cast) -> Cast:
    """Two months of bills, one correction, payments, money for a unit itself."""
    for name, amount in (("anna", 10_000), ("boris", 7_000), ("chen", 6_000), ("dilek", 2_000)):
        cast.bill(name, amount, on=date(2021, 3, 31))
        cast.bill(name, amount + 500, on=date(2021, 4, 30), correction_minor=500)
    cast.bill("chen", 1_500, on=date(2021, 4, 30), service="cold_water")
    cast.pay(
        ("anna", "2021-04-12", "60.00", "R-1"),
        ("dilek", "2021-05-02", "45.00", "R-2"),
        ("emre", "2021-04-30", "3.00", "R-3"),
    )
    return cast


def level(cast: Cast, unit: str | None = None, **more: object) -> TurnoverLevel:
    period = {"month_from": APRIL, "month_to": MAY, "scope": EVERYTHING} | more
    return turnover(organisation_id=cast.units[unit] if unit else None, **period)


def by_code(found: TurnoverLevel) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        row.code: (
            row.figures.opening_minor,
            row.figures.accrued_minor,
            row.figures.recalculated_minor,
            row.figures.paid_minor,
            row.figures.closing_minor,
        )
        for row in found.rows
    }


def total_of(found: TurnoverLevel) -> Figures:
    return sum((row.figures for row in all_rows(found)), start=Figures())


def test_the_figures_of_a_month(story: Cast) -> None:
    top = level(story)
    assert top.unit is not None
    assert (top.unit.code, [unit.code for unit in top.path]) == ("lumen", ["lumen"])
    assert by_code(top) == {
        "north": (23_000, 24_500, 1_500, 6_000, 43_000),
        "south": (2_000, 2_000, 500, 300, 4_200),
    }
    assert by_code(level(story, "Alder")) == {
        story.numbers["anna"]: (10_000, 10_000, 500, 6_000, 14_500),
        story.numbers["boris"]: (7_000, 7_000, 500, 0, 14_500),
    }
    assert [unit.code for unit in level(story, "Alder").path] == ["lumen", "north", "alder"]


@pytest.mark.parametrize(
    "period", [(MARCH, APRIL), (APRIL, MAY), (MAY, JUNE), (MARCH, JUNE), (JUNE, date(2022, 1, 1))]
)
def test_every_level_sums_to_the_one_above(story: Cast, period: tuple[date, date]) -> None:
    dates = {"month_from": period[0], "month_to": period[1]}

    def walk(unit_id: int, expected: Figures) -> int:
        found = turnover(scope=EVERYTHING, organisation_id=unit_id, **dates)
        assert found.total == expected
        assert total_of(found) == expected
        deeper = [row for row in found.rows if row.kind == RowKind.UNIT]
        return len(found.rows) + sum(walk(row.id, row.figures) for row in deeper)

    top = turnover(scope=EVERYTHING, **dates)
    assert total_of(top) == top.total
    assert (
        walk(story.units["Lumen"], top.total) == 2 + 2 + 3 + 2
    )  # branches, teams, their accounts, South's accounts


def test_months_join_closing_is_the_next_opening(story: Cast) -> None:
    april, may = level(story), level(story, month_from=MAY, month_to=JUNE)
    assert april.total.closing_minor == may.total.opening_minor
    both = level(story, month_from=APRIL, month_to=JUNE)
    assert both.total.closing_minor == may.total.closing_minor
    assert both.total.accrued_minor == april.total.accrued_minor + may.total.accrued_minor


@pytest.mark.parametrize(
    ("day", "figures"),
    [
        (date(2021, 3, 31), Figures(opening_minor=100)),
        (date(2021, 4, 1), Figures(accrued_minor=100)),
        (date(2021, 4, 30), Figures(accrued_minor=100)),
        (date(2021, 5, 1), Figures()),
    ],
)
def test_a_month_begins_and_ends_on_its_days(cast: Cast, day: date, figures: Figures) -> None:
    cast.bill("anna", 100, on=day)
    assert level(cast).total == figures
    assert level(cast, "Alder").rows[0].figures == figures


def test_an_account_agrees_with_its_current_account(story: Cast) -> None:
    for row in level(story, "Alder").rows:
        april = current_account(account_id=row.id, date_from=APRIL, date_to=MAY)
        assert row.figures.opening_minor == april.opening_minor
        assert row.figures.closing_minor == april.closing_minor


def test_a_past_statement_can_be_shown_again(story: Cast) -> None:
    before = level(story, "Alder", as_of=NOW)
    later = datetime(2021, 7, 1, tzinfo=UTC)
    story.bill("anna", 9_900, on=date(2021, 4, 30), now=later)
    story.pay(("anna", "2021-04-29", "1.00", "R-9"), now=later)
    assert level(story, "Alder", as_of=NOW) == before
    assert level(story, "Alder", as_of=later).total.closing_minor == before.total.closing_minor + 9_800
    assert level(story, as_of=NOW).total.closing_minor + 9_800 == level(story).total.closing_minor


def test_balances_brought_forward_are_opening_in_their_own_month_too(cast: Cast) -> None:
    import polars as pl

    from mains.ledger.actions.openings import post_opening_balances

    balance = {
        "account_id": cast.accounts["anna"],
        "organisation_id": cast.units["Alder"],
        "amount_minor": 400,
    }
    supply = {"provider_id": cast.parties["power"], "service": "electricity", "due_date": APRIL}
    post_opening_balances(
        balances=pl.DataFrame([balance | supply]), source_id=1, business_date=date(2021, 4, 10), now=NOW
    )
    assert level(cast).total == Figures(opening_minor=400)
    assert level(cast, "Alder").rows[0].figures == Figures(opening_minor=400)


def test_accounts_are_paged_without_loss(story: Cast) -> None:
    first = level(story, "South", limit=1)
    assert (len(first.rows), first.next_after) == (1, first.rows[0].id)
    second = level(story, "South", limit=1, after=first.next_after)
    assert (len(second.rows), second.next_after) == (1, None)
    assert list(all_rows(first, limit=1)) == [*first.rows, *second.rows]


def test_a_unit_with_teams_shows_its_own_accounts_as_a_row(story: Cast) -> None:
    team = Organisation.objects.create(code="cedar", name="Cedar", kind="team")
    OrganisationPlacement.objects.create(
        organisation=team,
        parent_id=story.units["South"],
        valid=DateRange(date(2020, 1, 1), None),
        recorded_at=NOW,
    )
    south = level(story, "South")
    assert [(row.kind, row.code) for row in south.rows] == [("unit", "cedar"), ("own_accounts", "south")]
    assert total_of(south) == south.total
    assert south.rows[0].figures == Figures()
    own = level(story, "South", own_accounts=True)
    assert total_of(own) == own.total == south.rows[1].figures


def test_a_person_sees_the_own_branch_only(story: Cast) -> None:
    north = Scope(
        organisation_ids=frozenset(story.units[name] for name in ("North", "Alder", "Birch")),
        permissions=frozenset({"see_reports"}),
    )
    top = level(story, scope=north)
    assert top.unit is not None
    assert top.unit.code == "north"
    assert top.total == level(story, "North").total
    with pytest.raises(UnableToReportTurnover) as refusal:
        level(story, "South", scope=north)
    assert refusal.value.code == "organisation-unknown"
    supplies = turnover_by_supply(scope=north, month_from=APRIL, month_to=MAY)
    assert sum(row.figures.closing_minor for row in supplies) == top.total.closing_minor


def test_two_tops_and_units_outside_the_tree_are_shown(story: Cast) -> None:
    teams = Scope(
        organisation_ids=frozenset({story.units["Alder"], story.units["South"]}), permissions=frozenset()
    )
    found = level(story, scope=teams)
    assert found.unit is None
    assert sorted(row.code for row in found.rows) == ["alder", "south"]
    whole = level(story).total
    Organisation.objects.create(code="lost", name="Lost", kind="team")
    assert level(story).total == whole
    story.places["emre"] = 10**6
    story.bill("emre", 100, on=date(2021, 4, 30))
    assert level(story).total.closing_minor == whole.closing_minor + 100


def test_supplies_sum_to_the_unit(story: Cast) -> None:
    supplies = turnover_by_supply(
        scope=EVERYTHING, month_from=APRIL, month_to=MAY, organisation_id=story.units["North"]
    )
    found = {(row.provider, row.service): row.figures.closing_minor for row in supplies}
    assert found == {("Lumen Power", "electricity"): 41_500, ("Spring Water", "cold_water"): 1_500}


def test_a_period_is_whole_months(story: Cast) -> None:
    for month_from, month_to in ((APRIL, APRIL), (MAY, APRIL), (date(2021, 4, 2), MAY)):
        with pytest.raises(UnableToReportTurnover) as refusal:
            level(story, month_from=month_from, month_to=month_to)
        assert refusal.value.code == "period-invalid"


def test_a_level_takes_few_queries(story: Cast) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        level(story)
        level(story, "Alder")
    assert len(queries) <= 5
