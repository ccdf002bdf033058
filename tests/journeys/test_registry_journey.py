"""From an empty database to daily use, by the command line alone: the registry, its history, meters and readings.

Each part names the rows of the requirements that it walks (R1 to R6, M1, M4, M5).
"""

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from django.db import connection

from mains.base.dated import holds_on
from mains.base.db import adbc_connect, ensure_month_partition
from mains.config.cli import main
from mains.customers.models import Account, Agreement, Party
from mains.metering.actions.usage import UsageScope, refresh_usage
from mains.metering.models import Reading, ReadingException, UsageMonth
from mains.network.models import PremiseState
from mains.staff.models import User
from mains.tariffs.models import Tariff
from registry_files import FILES

NO_AVERAGES = pl.DataFrame(
    schema={
        "month": pl.Date,
        "class_code": pl.String,
        "zone": pl.Int16,
        "use_micro": pl.Int64,
        "days": pl.Int64,
    }
)


@dataclass
class Finished:
    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def utility(db: None, folder: Path) -> None:
    """A utility imported by commands. People, parties and tariffs have their own screens and files; they are there."""
    User.objects.create(username="olga", first_name="Olga")
    for code, service in (("power", "electricity"), ("water", "cold_water")):
        Party.objects.create(code=code, name=code.title(), kind="supplier")
        Tariff.objects.create(code=f"{code}-2020", name=code.title(), service=service, currency="RUB")
    for kind, text in FILES.items():
        done = mains("registry", "import", kind, write(folder, f"{kind}.csv", text), "--by", "olga")
        assert (done.code, done.err) == (0, ""), kind
        assert f"{kind} are written" in done.out


def mains(*arguments: str) -> Finished:
    """The command line with its exit code, in this process: starting forty of them would take minutes."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with patch.object(sys, "argv", ["mains", *arguments]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Finished(code, out.getvalue(), err.getvalue())


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def number_in(text: str) -> str:
    found = re.search(r"number (\d+) of", text)
    assert found, text
    return found[1]


def test_customers_by_checked_tax_numbers_hold_several_accounts(utility: None, folder: Path) -> None:
    """R1, R3."""
    wrong = "kind,name,tax_country,tax_number\nperson,Boris,ru,500100732250\n"
    refused = mains("registry", "import", "customers", write(folder, "wrong.csv", wrong))
    assert refused.code == 1
    assert "wrong.csv, line 2, field tax_number: The check digit does not fit" in refused.err
    assert "Nothing is written" in refused.err

    second = "number,kind,name,tax_country,tax_number,organisation,opened_on\n"
    second += "0310000041,person,Anna Petrova,ru,500100732259,LU-N,2021-01-01\n"
    path = write(folder, "second.csv", second)
    assert "nothing is written" in mains("registry", "import", "accounts", path, "--dry-run").out
    assert not Account.objects.filter(number="0310000041").exists()
    assert mains("registry", "import", "accounts", path).code == 0
    anna = Account.objects.get(number="0310000041").customer
    assert sorted(anna.accounts.values_list("number", flat=True)) == ["0310000016", "0310000041"]


def test_premises_with_places_and_dated_attributes(utility: None) -> None:
    """R2."""
    state = PremiseState.objects.select_related("premise__building").get(premise__flat="1")
    building = state.premise.building
    assert (building.latitude, building.longitude, state.premise.entrance) == (44.953, 34.113, "1")
    assert (state.valid.lower, state.recorded_by.username if state.recorded_by else "") == (
        date(2020, 1, 1),
        "olga",
    )
    assert state.proof == "file premises.csv"


def test_a_move_by_file_leaves_the_earlier_payer_on_the_earlier_days(utility: None, folder: Path) -> None:
    """R3."""
    header = "account,service_point,tariff,provider,category,valid_from,is_move\n"
    taken = f"{header}0310000016,P-2-E,power-2020,power,household,2021-05-01,no\n"
    refused = mains("registry", "import", "agreements", write(folder, "taken.csv", taken))
    assert "line 2, field service_point: Account 0310000023 pays for the service point" in refused.err
    moved = taken.replace(",no", ",yes")
    assert mains("registry", "import", "agreements", write(folder, "moved.csv", moved)).code == 0
    payers = Agreement.objects.filter(service_point__code="P-2-E").select_related("account")
    assert payers.get(holds_on(date(2021, 4, 30))).account.number == "0310000023"
    assert payers.get(holds_on(date(2021, 5, 1))).account.number == "0310000016"


def test_accounts_without_an_officer_are_listed_until_they_have_one(utility: None, folder: Path) -> None:
    """R4."""
    listed = mains("registry", "unmapped", "--on", "2020-06-01")
    assert "Chen Wei" in listed.out
    assert "Sberbank" not in listed.out
    chen = Account.objects.get(customer__name="Chen Wei").number
    officers = f"account,officer,valid_from\n{chen},olga,2020-06-01\n"
    assert mains("registry", "import", "officers", write(folder, "officers.csv", officers)).code == 0
    assert "Chen Wei" not in mains("registry", "unmapped", "--on", "2020-06-01").out
    assert "Chen Wei" in mains("registry", "unmapped", "--on", "2020-05-31").out


def test_the_two_trees_on_a_day(utility: None) -> None:
    """R5, R6."""
    units = mains("registry", "tree", "organisation", "--on", "2021-01-01").out
    assert units.splitlines() == [
        "Lumen  [utility LU]",
        "  North  [branch LU-N]",
        "    Alder  [team LU-N-1]",
    ]
    network = mains("registry", "tree", "network", "--service", "electricity", "--on", "2021-01-01").out
    assert network.splitlines() == [
        "Source  [electricity source E-S]",
        "  Feeder 1  [electricity feeder E-F1, band A]",
        "    Transformer 1  [electricity transformer E-T1]",
        "      Gorky 7  [electricity building E-B7]",
        "        Entrance 1  [electricity entrance E-B7-1, 2 service points]",
    ]


@pytest.mark.django_db(transaction=True)
def test_readings_at_the_door_and_the_use_of_every_day(utility: None, folder: Path) -> None:
    """M1, M4, M5."""
    taken = mains(
        "reading", "record", "E-1", "160", "--on", "2021-01-30", "--source", "field", "--by", "olga"
    )
    assert taken.code == 0
    reading = Reading.objects.get(register__meter__serial="E-1", reading_date=date(2021, 1, 30))
    assert (reading.source, reading.recorded_by.username if reading.recorded_by else "") == (20, "olga")

    for value, on, said in (
        ("1O0", "2021-02-10", "digits only"),
        ("170", "2099-01-01", "later than"),
        ("170", "2020-01-01", "not yet installed"),
    ):
        refused = mains("reading", "record", "E-1", value, "--on", on)
        assert (refused.code, said in refused.err) == (1, True), refused.err
    assert "Nobody knows meter E-99" in mains("reading", "record", "E-99", "1", "--on", "2021-01-30").err
    lower = mains("reading", "record", "E-1", "150", "--on", "2021-02-28")
    assert "It waits for a decision" in lower.err
    queue = mains("reading", "queue").out
    assert "150 is lower than 160 of 2021-01-30" in queue
    assert mains("reading", "refuse", number_in(lower.err), "--by", "olga").code == 0
    again = mains("reading", "accept", number_in(lower.err))
    assert (again.code, "refused already" in again.err) == (2, True)

    text = "serial,zone,reading_date,value,source\nE-2,day,2021-01-31,1031.5,remote\nE-2,night,2021-01-31,731,remote\n"
    path = write(folder, "readings.csv", f"{text}E-2,noon,2021-01-31,1,remote\nW-1,,2021-01-31,l5,portal\n")
    refused = mains("reading", "import", path)
    assert refused.code == 1
    assert "readings.csv, line 4, field zone: There is no zone noon." in refused.err
    assert "readings.csv, line 5, field value:" in refused.err
    assert "Nothing is stored: 2 of 4 lines are faulty." in refused.err
    assert not Reading.objects.filter(reading_date=date(2021, 1, 31)).exists()
    partial = mains("reading", "import", path, "--partial")
    assert "4 readings: 2 taken, 0 wait for a decision, 0 were known already, 2 are refused." in partial.out
    assert (
        "0 taken, 0 wait for a decision, 2 were known already"
        in mains("reading", "import", path, "--partial").out
    )
    assert ReadingException.objects.filter(text_value="l5").count() == 1

    electricity, first = use_of_january("P-1-E")
    assert first == 60_000_000 * 31 // 30
    assert electricity == "A" * 30 + "F"
    _day_zone, day_use = use_of_january("P-2-E", zone=1)
    assert day_use == 31_000_000 * 20

    wrong = Reading.objects.get(register__meter__serial="E-1", reading_date=date(2021, 1, 30)).pk
    assert mains("reading", "correct", str(wrong), "130", "--proof", "act 5", "--by", "olga").code == 0
    assert use_of_january("P-1-E")[1] == 30_000_000 * 31 // 30
    assert mains("reading", "record", "E-1", "132", "--on", "2021-01-31").code == 0
    assert use_of_january("P-1-E") == ("A" * 30 + "M", 32_000_000)


def use_of_january(point: str, *, zone: int = 0) -> tuple[str, int]:
    """Quality by day and total in micro-units, as computed now from what is known now."""
    month, now = date(2021, 1, 1), datetime.now(UTC)
    with adbc_connect() as bulk:
        ensure_month_partition("metering_usagemonth", month, connection=bulk)
        scope = UsageScope(
            earlier_months=(),
            catch_up_from=month,
            as_of=now,
            known_since=datetime(2020, 1, 1, tzinfo=UTC),
            averages=NO_AVERAGES,
            changed=pl.DataFrame(schema={"service_point_id": pl.Int64, "valid_from": pl.Date}),
        )
        refresh_usage(connection=bulk, buckets=range(1024), month=month, scope=scope)
        bulk.commit()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM network_servicepoint WHERE code = %s", [point])
        (point_id,) = cursor.fetchone()
    row = UsageMonth.objects.filter(month=month, service_point_id=point_id, zone=zone).latest("revision")
    return row.quality, row.total_micro
