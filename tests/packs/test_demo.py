"""The demo's main job: from loaded readings to paid bills, repeatable and kept apart from other data."""

import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from mains.base.address import DatabaseAddress, database_address
from mains.base.db import adbc_connect, connection_url, read_frame
from mains.base.progress import progress_report
from mains.ledger.queries.invariants import find_breaches
from mains.packs.definition import read_pack
from mains.packs.demo import JobFigures, run_main_job
from mains.packs.loading import load_pack
from mains.packs.shelf import DemoKey, UnableToChooseDemo, choose_demo, demo_turn, mark_demo
from mains.payments.models import PaymentRegister, Receipt
from mains.staff.actions.logins import ensure_demo_logins
from mains.staff.models import User

PACK = "ng_electricity"
ACCOUNTS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def figures(empty_database: str, folder: Path) -> JobFigures:
    with progress_report(quiet=True) as progress:
        load_pack(pack=read_pack(PACK), accounts=ACCOUNTS, seed=5, progress=progress)
        return run_main_job(pack=read_pack(PACK), seed=5, folder=folder, progress=progress)


def test_three_months_are_billed_corrected_and_paid(figures: JobFigures) -> None:
    assert [month.month for month in figures.months] == list(read_pack(PACK).billing.months)
    assert all(month.bills > ACCOUNTS * 0.9 for month in figures.months)
    assert all(month.quantity_micro > 0 for month in figures.months)
    first, *later = figures.months
    assert first.turnover.recalculated_minor == 0
    assert all(month.turnover.recalculated_minor != 0 for month in later)
    assert all(
        month.turnover.opening_minor == before.turnover.closing_minor
        for before, month in zip(figures.months, later, strict=False)
    )
    assert 0.3 < figures.total.paid_minor / figures.total.accrued_minor < 0.9
    assert not find_breaches()


def test_what_was_forecast_is_replaced_by_what_was_read(figures: JobFigures) -> None:
    with adbc_connect() as connection:
        replaced = read_frame(
            """
            SELECT count(*) AS months FROM metering_usagemonth f
            JOIN metering_usagemonth r USING (month, service_point_id, zone)
            WHERE f.revision + 1 = r.revision AND f.quality LIKE '%%F' AND r.quality NOT LIKE '%%F%%'
            """,
            connection=connection,
        )
    assert replaced["months"][0] > ACCOUNTS / 2


def test_registers_hold_money_of_unknown_accounts_in_suspense(figures: JobFigures) -> None:
    registers = PaymentRegister.objects.order_by("file_name")
    assert [register.file_name for register in registers] == [
        "bank-2024-05.csv",
        "bank-2024-06.csv",
        "bank-2024-07.csv",
    ]
    assert {register.status for register in registers} == {"accepted"}
    assert Receipt.objects.filter(account_id=None).count() == sum(
        register.unknown_count for register in registers
    )


def test_large_customers_are_billed_by_half_hours_and_corrected_when_some_come_late(
    figures: JobFigures,
) -> None:
    with adbc_connect() as connection:
        months = read_frame(
            """
            SELECT b.month, count(DISTINCT b.id) AS bills,
                   count(*) FILTER (WHERE l.component = 'demand' AND l.service_month = b.month) AS demands,
                   count(*) FILTER (WHERE l.service_month < b.month) AS corrections
            FROM billing_bill b JOIN billing_billline l ON l.month = b.month AND l.bill_id = b.id
            JOIN customers_agreement a ON a.id = l.agreement_id
            JOIN tariffs_tariff t ON t.id = a.tariff_id AND t.code = 'ng-electricity-md-hours'
            GROUP BY 1 ORDER BY 1
            """,
            connection=connection,
        )
        days = read_frame(
            "SELECT string_agg(quality, '') AS letters FROM metering_usagemonth u WHERE EXISTS"
            " (SELECT FROM metering_intervalday v WHERE v.service_point_id = u.service_point_id)",
            connection=connection,
        )["letters"][0]
    assert months.height == 3
    assert months["demands"].min() >= 2
    assert months["corrections"].to_list()[1] > 0
    assert days.count("I") > 9 * days.count("E") > 0


def test_done_again_the_job_changes_nothing(figures: JobFigures, folder: Path) -> None:
    with progress_report(quiet=True) as progress:
        assert run_main_job(pack=read_pack(PACK), seed=5, folder=folder, progress=progress) == figures
    assert PaymentRegister.objects.count() == 3


def test_one_person_of_each_role_may_sign_in(figures: JobFigures, tmp_path: Path) -> None:
    file = tmp_path / "demo-logins.txt"
    logins = ensure_demo_logins(file=file)
    assert {login.role for login in logins} == {role.code for role in read_pack(PACK).roles}
    assert all(User.objects.get(username=login.username).check_password(login.password) for login in logins)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ensure_demo_logins(file=file) == logins


def test_a_database_with_other_accounts_is_not_taken_for_a_demo(
    figures: JobFigures, empty_database: str
) -> None:
    address = replace(database_address(), database=empty_database)
    with pytest.raises(UnableToChooseDemo) as caught:
        choose_demo(wanted=DemoKey(pack=PACK, accounts=100, seed=1), address=address, reset=False)
    assert caught.value.code == "demo-not-empty"
    with psycopg.connect(connection_url()) as session:
        assert session.execute("SELECT count(*) FROM customers_account").fetchone() == (ACCOUNTS,)


def test_a_demo_put_aside_comes_back(tmp_path: Path) -> None:
    base = database_address()
    name = f"shelf_{tmp_path.name[-12:].replace('-', '_')}"
    address = replace(base, database=name)
    first, second = (DemoKey(pack=PACK, accounts=size, seed=990_001) for size in (101, 102))
    try:
        assert choose_demo(wanted=first, address=address, reset=False) is False
        with psycopg.connect(address.url(), autocommit=True) as session:
            session.execute("CREATE TABLE kept (note text)")
        mark_demo(loaded=first, address=address)
        assert choose_demo(wanted=first, address=address, reset=False) is True
        assert choose_demo(wanted=second, address=address, reset=False) is False
        mark_demo(loaded=second, address=address)
        assert choose_demo(wanted=first, address=address, reset=False) is True
        with psycopg.connect(address.url()) as session:
            assert session.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)
        assert choose_demo(wanted=first, address=address, reset=True) is False
        with psycopg.connect(address.url()) as session:
            assert session.execute("SELECT to_regclass('kept') IS NULL").fetchone() == (True,)
    finally:
        with psycopg.connect(base.url(database="postgres"), autocommit=True) as server:
            for database in (name, first.shelf_name, second.shelf_name):
                server.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[DatabaseAddress]:
    """Where a database may be made; it is dropped at the end."""
    base = database_address()
    name = f"place_{tmp_path.name[-12:].replace('-', '_')}"
    yield replace(base, database=name)
    with psycopg.connect(base.url(database="postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def put_accounts(address: DatabaseAddress, count: int) -> None:
    with psycopg.connect(address.url(), autocommit=True) as session:
        session.execute("CREATE TABLE customers_account (id bigint)")
        session.execute("INSERT INTO customers_account SELECT generate_series(1, %s)", [count])


def has_accounts(address: DatabaseAddress) -> bool:
    with psycopg.connect(address.url()) as session:
        found = session.execute("SELECT to_regclass('customers_account') IS NOT NULL").fetchone()
    return found == (True,)


@pytest.mark.parametrize("size", [101, 103])
def test_a_demo_whose_loading_was_interrupted_is_made_anew(place: DatabaseAddress, size: int) -> None:
    begun = DemoKey(pack=PACK, accounts=101, seed=990_002)
    assert choose_demo(wanted=begun, address=place, reset=False) is False
    put_accounts(place, begun.accounts)
    wanted = replace(begun, accounts=size)
    assert choose_demo(wanted=wanted, address=place, reset=False) is False
    assert not has_accounts(place)


def test_accounts_that_no_demo_loaded_are_kept(place: DatabaseAddress) -> None:
    begun = DemoKey(pack=PACK, accounts=101, seed=990_002)
    choose_demo(wanted=begun, address=place, reset=False)
    put_accounts(place, 12)
    with pytest.raises(UnableToChooseDemo) as caught:
        choose_demo(wanted=begun, address=place, reset=False)
    assert caught.value.code == "demo-not-empty"
    assert has_accounts(place)


def test_two_demos_at_once_take_turns(place: DatabaseAddress) -> None:
    told, order = threading.Event(), []

    def second() -> None:
        with demo_turn(address=place, on_wait=told.set):
            order.append("second")

    waiting = threading.Thread(target=second)
    with demo_turn(address=place, on_wait=told.set):
        assert not told.is_set()
        waiting.start()
        assert told.wait(30)
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]
