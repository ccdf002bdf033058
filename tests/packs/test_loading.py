"""A loaded pack: whole, guarded, and refused a second time."""

from datetime import UTC, date, datetime

import polars as pl
import psycopg
import pytest
from adbc_driver_manager import Error as DriverError

from mains.base.db import UnableToCopyFrame, adbc_connect, connection_url, execute, read_frame
from mains.base.loading import copy_facts, indexes_built_after
from mains.base.progress import progress_report
from mains.ledger.queries.invariants import find_breaches
from mains.packs.definition import read_pack
from mains.packs.loading import LoadedPack, UnableToLoadPack, load_pack

ACCOUNTS = 400
GUARDS = """
SELECT conrelid::regclass::text AS place, conname::text AS name FROM pg_constraint WHERE contype IN ('f', 'u', 'x')
UNION ALL
SELECT tablename::text, indexname::text FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def guards_before(empty_database: str) -> pl.DataFrame:
    with adbc_connect() as connection:
        return read_frame(GUARDS, connection=connection)


@pytest.fixture(scope="module")
def loaded(guards_before: pl.DataFrame) -> LoadedPack:
    with progress_report(quiet=True) as progress:
        return load_pack(pack=read_pack("ru_communal"), accounts=ACCOUNTS, seed=3, progress=progress)


def ask(statement: str) -> pl.DataFrame:
    with adbc_connect() as connection:
        return read_frame(statement, connection=connection)


def test_every_row_is_there(loaded: LoadedPack) -> None:
    found = ask(
        "SELECT (SELECT count(*) FROM customers_account) AS accounts,"
        " (SELECT count(*) FROM network_servicepoint) AS points,"
        " (SELECT count(*) FROM metering_reading) AS readings,"
        " (SELECT count(*) FROM ledger_entry) AS items"
    )
    assert found.row(0) == (
        loaded.accounts,
        loaded.service_points,
        loaded.readings,
        loaded.opening_items,
    )
    managed = ask("SELECT count(*) AS n FROM network_servicepoint WHERE takes_rest")["n"][0]
    assert loaded.accounts == ACCOUNTS + managed > ACCOUNTS, "managing companies have accounts besides"
    assert not find_breaches()


def test_constraints_and_indexes_are_the_same_as_before(
    loaded: LoadedPack, guards_before: pl.DataFrame
) -> None:
    after = ask(GUARDS).filter(~pl.col("place").str.contains("_y20"))
    before = guards_before.filter(~pl.col("place").str.contains("_y20"))
    assert after.to_dicts() == before.to_dicts()


def test_an_overlap_is_refused_after_loading(loaded: LoadedPack) -> None:
    with psycopg.connect(connection_url()) as session, pytest.raises(psycopg.errors.ExclusionViolation):
        session.execute(
            "INSERT INTO customers_responsibility (account_id, officer_id, valid, recorded_at, proof)"
            " SELECT account_id, officer_id, '[2021-05-01,)', now(), '' FROM customers_responsibility LIMIT 1"
        )


def test_new_rows_get_ids_past_the_loaded_ones(loaded: LoadedPack) -> None:
    with psycopg.connect(connection_url()) as session:
        last = session.execute("SELECT max(id) FROM metering_meter").fetchone()
        new = session.execute(
            "INSERT INTO metering_meter (serial, model, service) VALUES ('X', 'X', 'electricity') RETURNING id"
        ).fetchone()
        session.rollback()
    assert last is not None
    assert new == (last[0] + 1,)


def test_organisations_form_one_tree_down_to_teams(loaded: LoadedPack) -> None:
    kinds = ask(
        "SELECT p.kind::text AS parent, o.kind::text AS kind, count(*) AS units FROM staff_organisation o"
        " JOIN staff_organisationplacement x ON x.organisation_id = o.id"
        " LEFT JOIN staff_organisation p ON p.id = x.parent_id GROUP BY 1, 2"
    )
    pairs = {(row["parent"], row["kind"]) for row in kinds.to_dicts()}
    assert pairs == {
        (None, "utility"),
        ("utility", "region"),
        ("region", "branch"),
        ("branch", "centre"),
        ("centre", "team"),
    }


def test_every_service_point_is_fed_from_a_source(loaded: LoadedPack) -> None:
    fed = ask(
        """
        WITH RECURSIVE fed AS (
            SELECT id FROM network_node WHERE kind = 'source'
            UNION ALL
            SELECT p.node_id FROM network_nodeplacement p JOIN fed f ON p.parent_id = f.id
        )
        SELECT count(*) AS points FROM network_servicepoint WHERE node_id IN (SELECT id FROM fed)
        """
    )
    assert fed["points"][0] == loaded.service_points


def test_nobody_can_sign_in_yet(loaded: LoadedPack) -> None:
    assert ask("SELECT count(*) AS users FROM staff_user WHERE password <> '!'")["users"][0] == 0


def test_a_second_load_is_refused_and_changes_nothing(loaded: LoadedPack) -> None:
    with progress_report(quiet=True) as progress, pytest.raises(UnableToLoadPack) as caught:
        load_pack(pack=read_pack("ng_electricity"), accounts=100, seed=1, progress=progress)
    assert caught.value.code == "pack-not-empty"
    assert "--reset" in caught.value.remedy
    assert ask("SELECT count(*) AS accounts FROM customers_account")["accounts"][0] == loaded.accounts
    assert ask("SELECT count(*) AS n FROM tariffs_tariff WHERE code LIKE 'ng%%'")["n"][0] == 0


@pytest.mark.parametrize("accounts", [99, 1_000_001])
def test_a_size_out_of_range_is_refused(accounts: int) -> None:
    with progress_report(quiet=True) as progress, pytest.raises(UnableToLoadPack) as caught:
        load_pack(pack=read_pack("ru_communal"), accounts=accounts, seed=1, progress=progress)
    assert caught.value.code == "pack-size"


def test_rows_that_break_a_constraint_leave_nothing_behind(
    loaded: LoadedPack, guards_before: pl.DataFrame
) -> None:
    fact = pl.DataFrame(
        {
            "account_id": [1, 1],
            "officer_id": [1, 1],
            "valid_from": [date(2030, 1, 1), date(2030, 6, 1)],
            "valid_to": [None, None],
        },
        schema_overrides={"valid_to": pl.Date},
    )
    count = "SELECT count(*) AS n FROM customers_responsibility"
    before = ask(count)["n"][0]
    with (
        adbc_connect() as connection,
        pytest.raises(DriverError, match="one_officer_at_a_time"),
        indexes_built_after(["customers_responsibility"], connection=connection) as build,
    ):
        copy_facts(
            fact, "customers_responsibility", known_at=datetime(2030, 1, 1, tzinfo=UTC), connection=connection
        )
        build()
    assert ask(count)["n"][0] == before
    assert ask(GUARDS).height >= guards_before.height


def test_a_period_is_stored_half_open(loaded: LoadedPack) -> None:
    fact = pl.DataFrame(
        {
            "account_id": [1, 1],
            "officer_id": [1, 1],
            "valid_from": [date(1960, 2, 29), date(1999, 12, 31)],
            "valid_to": [date(1961, 1, 1), None],
            "known_on": [date(2021, 3, 1), None],
        }
    )
    with adbc_connect() as connection:
        execute(
            "CREATE TEMPORARY TABLE copied (LIKE customers_responsibility INCLUDING IDENTITY)",
            connection=connection,
        )
        execute("ALTER TABLE copied ALTER recorded_by_id DROP NOT NULL", connection=connection)
        copy_facts(fact, "copied", known_at=datetime(2020, 1, 1, tzinfo=UTC), connection=connection)
        found = read_frame(
            "SELECT valid::text AS valid, recorded_at::text AS known FROM copied ORDER BY lower(valid)",
            connection=connection,
        )
    assert found.rows() == [
        ("[1960-02-29,1961-01-01)", "2021-03-01 12:00:00+00"),
        ("[1999-12-31,)", "2020-01-01 00:00:00+00"),
    ]


def test_a_misspelt_column_is_refused(loaded: LoadedPack) -> None:
    fact = pl.DataFrame(
        {"account": [1], "valid_from": [date(2021, 1, 1)], "valid_to": [None]},
        schema_overrides={"valid_to": pl.Date},
    )
    with adbc_connect() as connection, pytest.raises(UnableToCopyFrame):
        copy_facts(
            fact, "customers_responsibility", known_at=datetime(2021, 1, 1, tzinfo=UTC), connection=connection
        )
