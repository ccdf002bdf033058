import psycopg.conninfo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mains.base.address import DatabaseAddress, UnableToReadDatabaseUrl, database_address, parse_database_url

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(user=words, password=words, database=words)
def test_odd_characters_reach_the_driver(user: str, password: str, database: str) -> None:
    address = DatabaseAddress(host="db.example", port=5433, database=database, user=user, password=password)
    seen = psycopg.conninfo.conninfo_to_dict(address.url())
    assert seen == {
        "host": "db.example",
        "port": "5433",
        "dbname": database,
        "user": user,
        "password": password,
    }
    assert parse_database_url(address.url()) == address


def test_options_are_kept() -> None:
    address = parse_database_url("postgres://me@[::1]/utility?sslmode=require&connect_timeout=3")
    assert (address.host, address.port, address.database) == ("::1", 5432, "utility")
    assert address.options == (("connect_timeout", "3"), ("sslmode", "require"))
    assert psycopg.conninfo.conninfo_to_dict(address.url(database="other"))["dbname"] == "other"


@pytest.mark.parametrize("url", ["", "mysql://a/b", "postgresql://host", "utility"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UnableToReadDatabaseUrl):
        parse_database_url(url)


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert database_address().is_embedded
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@server/utility")
    assert database_address().host == "server"
    monkeypatch.setenv("MAINS_DATABASE", "other")
    assert database_address().database == "other"
