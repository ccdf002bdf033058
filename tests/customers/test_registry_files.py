"""Registry files: all lines or none, every fault by line and field, a trial writes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mains.base.staged_rows import StagedRows
from mains.customers.actions.registry_files import (
    import_accounts,
    import_agreements,
    import_customers,
    import_officers,
)
from mains.customers.models import Account, Agreement, Customer, Party, Responsibility
from mains.metering.actions.registry_files import import_meters
from mains.metering.models import Meter, Reading
from mains.network.actions.registry_files import import_nodes, import_points, import_premises
from mains.network.models import Node, PremiseState, ServicePoint
from mains.staff.actions.registry_files import import_units
from mains.staff.models import Organisation, User
from mains.tariffs.models import Tariff
from registry_files import FILES

pytestmark = pytest.mark.django_db

WRITTEN: dict[str, Any] = {
    "actor": None,
    "now": datetime(2021, 6, 7, 9, tzinfo=UTC),
    "proof": "file x.csv",
}


def send(kind: str, text: str | None = None, *, is_trial: bool = False) -> StagedRows:
    content = (text or FILES[kind]).encode()
    told = {"content": content, "is_trial": is_trial}
    if kind in ("customers", "accounts", "points"):
        return {"customers": import_customers, "accounts": import_accounts, "points": import_points}[kind](
            **told
        )
    importer = {
        "units": import_units,
        "nodes": import_nodes,
        "premises": import_premises,
        "agreements": import_agreements,
        "meters": import_meters,
        "officers": import_officers,
    }[kind]
    return importer(**told, **WRITTEN)


def faults(done: StagedRows) -> list[tuple[int, str, str]]:
    assert not done.is_stored
    assert all(fault.message and fault.remedy for fault in done.faults)
    return [(fault.line, fault.field, fault.code) for fault in done.faults]


@pytest.fixture
def utility() -> None:
    User.objects.create(username="olga")
    for code, service in (("power", "electricity"), ("water", "cold_water")):
        Party.objects.create(code=code, name=code, kind="supplier")
        Tariff.objects.create(code=f"{code}-2020", name=code, service=service, currency="RUB")
    for kind in FILES:
        done = send(kind)
        assert (done.faults, done.is_stored) == ([], True), kind


def counts() -> list[int]:
    kept = (
        Organisation,
        Node,
        Customer,
        Account,
        PremiseState,
        ServicePoint,
        Agreement,
        Meter,
        Reading,
        Responsibility,
    )
    return [model.objects.count() for model in kept]


@pytest.mark.usefixtures("utility")
def test_a_whole_utility_comes_in_by_files() -> None:
    assert counts() == [3, 6, 3, 3, 2, 3, 3, 3, 4, 2]
    anna = Account.objects.get(number="0310000016")
    assert anna.customer.phone == "+7 978 0000001"
    day, night = Reading.objects.filter(register__meter__serial="E-2").order_by("register__zone")
    assert (day.value_micro, night.value_micro) == (1_000_500_000, 700_000_000)
    assert day.register.multiplier_micro == 20_000_000
    assert PremiseState.objects.get(premise__flat="1").heated_area_m2_micro == 54_200_000


@pytest.mark.usefixtures("utility")
@pytest.mark.parametrize("kind", ["units", "nodes", "customers", "premises", "points", "meters"])
def test_the_same_file_twice_changes_nothing(kind: str) -> None:
    before = counts()
    done = send(kind)
    assert {fault.line for fault in done.faults} == set(range(2, done.lines + 2))
    assert counts() == before


def test_a_trial_writes_nothing() -> None:
    done = send("units", is_trial=True)
    assert (done.lines, done.faults, done.is_stored) == (3, [], False)
    assert not Organisation.objects.exists()


@pytest.mark.usefixtures("utility")
@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            "units",
            "code,name,kind,parent,valid_from\nX,X,club,,2020-01-01\nY,Y,team,Q,2020-02-30\nZ,Z,team,Q,2020-01-01\n",
            [(2, "kind", "value-wrong"), (3, "valid_from", "value-wrong"), (4, "parent", "parent-unknown")],
        ),
        (
            "customers",
            "kind,name,tax_country,tax_number\nperson,Boris,ru,500100732250\nrobot,R,,\nperson,,,\nperson,Gia,ng,1-1\n",
            [
                (2, "tax_number", "tax-number-check-digit"),
                (3, "kind", "value-wrong"),
                (4, "name", "field-empty"),
                (5, "tax_number", "tax-number-shape"),
            ],
        ),
        (
            "accounts",
            "number,kind,name,organisation,opened_on\n0310000016,person,B,LU,2020-01-01\n7,person,B,NO,2020-01-01\n",
            [(2, "number", "account-number-taken"), (3, "organisation", "value-wrong")],
        ),
        (
            "points",
            "code,city,street,house,service,node,connected_on\nP-9,Lumen,Gorky,99,gas,E-F1,2020-01-01\n",
            [(2, "house", "premise-unknown")],
        ),
        (
            "agreements",
            (
                "account,service_point,tariff,provider,category,valid_from\n"
                "0310000023,P-1-E,power-2020,power,household,2021-01-01\n"
                "0310000016,P-1-E,water-2020,power,household,2021-01-01\n"
                "9,P-9,none,nobody,friend,2021-01-01\n"
            ),
            [
                (2, "service_point", "point-paid"),
                (3, "tariff", "tariff-service"),
                (4, "account", "value-wrong"),
                (4, "service_point", "value-wrong"),
                (4, "tariff", "value-wrong"),
                (4, "provider", "value-wrong"),
                (4, "category", "value-wrong"),
            ],
        ),
        (
            "meters",
            (
                "serial,model,zones,digits,service_point,installed_from,opening\n"
                "N-1,M,total,5,P-1-E,2021-02-01,1\n"
                "N-2,M,noon,5,P-1-E,2021-02-01,1\n"
                "N-3,M,day night,5,P-1-E,2021-02-01,1\n"
                "N-4,M,total,11,P-1-E,2021-02-01,1\n"
            ),
            [
                (2, "service_point", "place-taken"),
                (3, "zones", "zones-wrong"),
                (4, "opening", "opening-count"),
                (5, "digits", "value-wrong"),
            ],
        ),
        (
            "officers",
            "account,officer,valid_from\n0310000016,nobody,2021-01-01\n0310000016,olga,2019-01-01\n",
            [(2, "officer", "value-wrong"), (3, "valid_from", "account-not-open")],
        ),
        (
            "premises",
            (
                "city,street,house,flat,latitude,longitude,kind,residents,rooms,floor_area_m2,heated_area_m2,location,cooker,"
                "valid_from\nL,G,1,1,north,34,flat,-1,two,50,,urban,gas,2020-01-01\n"
                "L,G,1,2,44,34,flat,1,2,50,60,urban,gas,2020-01-01\n"
            ),
            [
                (2, "latitude", "value-wrong"),
                (2, "residents", "value-wrong"),
                (2, "rooms", "value-wrong"),
                (3, "heated_area_m2", "heated-too-large"),
            ],
        ),
    ],
)
def test_every_fault_is_told_by_line_and_field(
    kind: str, text: str, expected: list[tuple[int, str, str]]
) -> None:
    before = counts()
    assert faults(send(kind, text)) == expected
    assert counts() == before
