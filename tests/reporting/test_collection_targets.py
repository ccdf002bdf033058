"""Collection against targets of units and persons; statements of closed months print to the same bytes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation
from psycopg.types.range import DateRange

from mains.customers.models import Responsibility
from mains.ledger.actions.periods import close_through
from mains.ledger.values import Book
from mains.reporting.actions.kept_statements import printed_statement
from mains.reporting.actions.targets import UnableToStateTarget, import_targets, state_target
from mains.reporting.actions.turnover_tally import refresh_turnover
from mains.reporting.models import KeptStatement
from mains.reporting.queries.collection_targets import collection_lines
from mains.reporting.queries.slice_tables import collection_table, slice_table
from mains.reporting.queries.statement_files import statement_csv, statement_pdf, statement_xlsx
from mains.reporting.queries.turnover_slices import Dimension, Slice, turnover_by
from mains.staff.models import Organisation, User
from mains.staff.values import EVERYTHING
from money_cast import NOW, OPENED, Cast

APRIL, MAY = date(2021, 4, 1), date(2021, 5, 1)
ASKED = Slice(month_from=APRIL, month_to=MAY)
LATER = datetime(2021, 7, 20, tzinfo=UTC)


@pytest.fixture
def story(cast: Cast) -> Cast:
    officer = User.objects.create(username="officer")
    Responsibility.objects.create(
        account_id=cast.accounts["anna"], officer=officer, valid=DateRange(OPENED, None), recorded_at=NOW
    )
    cast.bill("anna", 100_00, on=date(2021, 4, 30))
    cast.bill("dilek", 50_00, on=date(2021, 4, 30))
    cast.pay(("anna", "2021-04-30", "89.99", "R-1"), ("dilek", "2021-04-30", "50.00", "R-2"))
    refresh_turnover()
    return cast


def test_units_and_persons_are_held_against_their_targets(story: Cast) -> None:
    state_target(unit="north", percent="95.5", valid_from=APRIL, proof="Order 7", actor=None, now=NOW)
    state_target(person="officer", percent="89.99", valid_from=APRIL, proof="Order 7", actor=None, now=NOW)
    units = {line.code: line for line in collection_lines(scope=EVERYTHING, asked=ASKED, by=Dimension.UNIT)}
    north, south = units["north"], units["south"]
    assert (north.rate_percent, north.target_percent, north.short_minor) == (
        Decimal("89.9"),
        Decimal("95.5"),
        5_51,
    )
    assert (south.rate_percent, south.target_percent, south.short_minor) == (Decimal("100.0"), None, None)
    persons = {
        line.code: line for line in collection_lines(scope=EVERYTHING, asked=ASKED, by=Dimension.PERSON)
    }
    assert persons["officer"].short_minor == 0
    assert persons["officer"].billed_minor == 100_00


def test_a_later_target_holds_from_its_day(story: Cast) -> None:
    state_target(unit="north", percent="90", valid_from=APRIL, proof="Order 7", actor=None, now=NOW)
    state_target(unit="north", percent="99", valid_from=MAY, proof="Order 8", actor=None, now=NOW)
    (april,) = (
        line
        for line in collection_lines(scope=EVERYTHING, asked=ASKED, by=Dimension.UNIT)
        if line.code == "north"
    )
    assert april.target_percent == 90


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"unit": "north", "person": "officer", "percent": "90"}, "of a unit or of a person"),
        ({"unit": "nowhere", "percent": "90"}, "no such unit"),
        ({"unit": "north", "percent": "101"}, "not a percentage"),
        ({"unit": "north", "percent": "90", "from": "soon"}, "not a day"),
    ],
)
def test_a_file_of_targets_with_a_fault_is_refused_whole(story: Cast, row, words) -> None:
    good = {"unit": "south", "percent": "90", "from": "2021-04-01", "proof": "Order 7"}
    with pytest.raises(UnableToStateTarget, match=words) as refused:
        import_targets(rows=[good, good | {"unit": ""} | row], actor=None, now=NOW, file_name="t.csv")
    assert refused.value.place == "t.csv, line 3"
    assert all(
        line.target_ppm is None for line in collection_lines(scope=EVERYTHING, asked=ASKED, by=Dimension.UNIT)
    )


@pytest.mark.parametrize("write", [statement_csv, statement_xlsx, statement_pdf])
def test_closed_months_print_to_the_same_bytes(story: Cast, write) -> None:
    def printed(month_to: date = MAY) -> bytes:
        level = turnover_by(scope=EVERYTHING, asked=ASKED, by=Dimension.UNIT)
        return printed_statement(
            asked={"name": "turnover"},
            form=write.__name__,
            month_to=month_to,
            make=lambda: write(slice_table(level, scope=EVERYTHING, within="")),
            now=LATER,
        )

    with translation.override("en"):
        open_print = printed()
        assert open_print == printed(), "the same figures are the same bytes"
        close_through(book=Book.EVERYTHING, day=date(2021, 4, 30), now=LATER)
        first = printed()
        Organisation.objects.filter(code="north").update(name="Norden")
        assert printed() == first == open_print, "what is closed was printed already"
        assert printed(date(2021, 6, 1)) != first, "what is open says what it is called now"
    with translation.override("de"):
        assert printed() != first
    assert KeptStatement.objects.count() == 2


def test_collection_as_a_file_has_every_line_and_the_total(story: Cast) -> None:
    lines = collection_lines(scope=EVERYTHING, asked=ASKED, by=Dimension.UNIT)
    with translation.override("en"):
        rows = statement_csv(collection_table(lines, ASKED)).decode("utf-8-sig").splitlines()
    assert rows[0] == "Code,Name,Billed,Collected,Rate in percent,Target in percent,Short of the target,Owed"
    assert rows[1].startswith("north,North,100.00,89.99,89.90,,,10.01")
    assert rows[-1] == ",Total,150.00,139.99,,,,10.01"
