"""Meters installed, exchanged, relocated, removed and sealed: always with their readings, always as known then."""

from datetime import date, timedelta

import polars as pl
import pytest

from mains.base.dated import holds_on
from mains.engine.usage import UsageRules, compute_daily_usage
from mains.metering.actions.registry import (
    RegisterSpec,
    UnableToAddMeter,
    UnableToInstallMeter,
    UnableToRemoveMeter,
    add_meter,
    exchange_meter,
    install_meter,
    remove_meter,
    seal_meter,
)
from mains.metering.models import Installation, Meter, Reading
from mains.metering.queries.readings import read_known, read_sites
from mains.metering.values import Zone
from metering_cast import INSTALLED, NOW, MeterCast

EXCHANGE = date(2021, 3, 15)


def new_meter(serial: str = "E-2", **register: int) -> Meter:
    return add_meter(
        serial=serial, model="Model X", service="electricity", registers=[RegisterSpec(**register)]
    )


def exchange(
    cast: MeterCast, new: Meter, *, closing: str = "410", opening: str = "7", **more: bool
) -> Installation:
    return exchange_meter(
        old=cast.register.meter,
        new=new,
        day=EXCHANGE,
        closing={Zone.TOTAL: closing},
        opening={Zone.TOTAL: opening},
        seal_number="S-2",
        actor=cast.rita,
        now=NOW,
        proof="act 12",
        **more,
    )


def test_an_exchange_closes_one_meter_and_opens_the_other_on_one_day(cast: MeterCast) -> None:
    cast.tell("350", date(2021, 2, 28))
    new = new_meter()
    installed = exchange(cast, new)
    old = Installation.objects.get(meter=cast.register.meter, superseded_at=None)
    assert (old.valid.lower, old.valid.upper) == (INSTALLED, EXCHANGE + timedelta(days=1))
    assert (installed.valid.lower, installed.valid.upper, installed.seal_number) == (EXCHANGE, None, "S-2")
    assert cast.believed()[-1] == (EXCHANGE, 410)
    (opening,) = Reading.objects.filter(register__meter=new)
    assert (opening.reading_date, opening.value_micro, opening.bucket) == (
        EXCHANGE - timedelta(days=1),
        7_000_000,
        cast.flat.bucket,
    )
    assert cast.tell("500", date(2021, 4, 30)).code == "removed-meter"
    assert cast.tell("90", date(2021, 4, 30), register=new.registers.get()).decision == "accept"
    assert daily_total(cast, [cast.register.pk, new.registers.get().pk]) == 310 + 83


def daily_total(cast: MeterCast, register_ids: list[int]) -> int:
    """Whole kWh from January to April as the usage engine counts what the tables hold."""
    known = read_known(register_ids, first_date=INSTALLED).filter("is_believed")
    result = compute_daily_usage(
        points=pl.DataFrame(
            {"service_point_id": [cast.flat.pk], "connected_from": [INSTALLED], "connected_to": [None]},
            schema_overrides={"connected_to": pl.Date},
        ),
        registers=read_sites(register_ids),
        readings=known.with_columns(recorded_order=pl.col("reading_id")),
        month_from=INSTALLED,
        month_to=date(2021, 5, 1),
        as_of_date=NOW.date(),
        rules=UsageRules(),
        total_zone=0,
    )
    assert set(result.usage["quality"][0]) <= {"M", "A"}
    return int(result.usage["total_micro"][0]) // 10**6


@pytest.mark.parametrize(
    ("closing", "opening", "error"),
    [
        ("340", "7", "340 is lower than 350"),
        ("4l0", "7", "digits only"),
        ("410", "seven", "digits only"),
        ("410", "1234567", "more digits"),
    ],
)
def test_an_exchange_with_a_wrong_reading_changes_nothing(
    cast: MeterCast, closing: str, opening: str, error: str
) -> None:
    cast.tell("350", date(2021, 2, 28))
    before = (Reading.objects.count(), Installation.objects.count())
    with pytest.raises((UnableToRemoveMeter, UnableToInstallMeter), match=error):
        exchange(cast, new_meter(), closing=closing, opening=opening)
    assert (Reading.objects.count(), Installation.objects.count()) == before


def test_a_doubtful_closing_reading_is_taken_when_confirmed(cast: MeterCast) -> None:
    cast.tell("99900", date(2021, 2, 28))
    with pytest.raises(UnableToRemoveMeter, match="rolled over"):
        exchange(cast, new_meter(), closing="20")
    exchange(cast, new_meter("E-3"), closing="20", is_confirmed=True)
    assert cast.believed()[-1] == (EXCHANGE, 20)


def test_a_contradiction_is_not_confirmed_away(cast: MeterCast) -> None:
    cast.tell("350", date(2021, 2, 28))
    with pytest.raises(UnableToRemoveMeter, match="set that one aside"):
        exchange(cast, new_meter(), closing="340", is_confirmed=True)


def test_the_closing_reading_may_be_known_already(cast: MeterCast) -> None:
    cast.tell("410", EXCHANGE)
    exchange(cast, new_meter())
    assert [day for day, _value in cast.believed()] == [date(2020, 12, 31), EXCHANGE]


def test_a_meter_moves_to_another_place(cast: MeterCast) -> None:
    meter = cast.register.meter
    cast.other_flat.service = "electricity"
    cast.other_flat.save()
    Installation.objects.filter(meter=cast.water.meter).update(superseded_at=NOW)
    with pytest.raises(UnableToInstallMeter, match="hangs at service point SP-1"):
        install_meter(
            meter=meter,
            service_point_id=cast.other_flat.pk,
            installed_from=date(2021, 4, 1),
            opening={0: "410"},
            actor=cast.rita,
            now=NOW,
        )
    remove_meter(meter=meter, last_day=date(2021, 3, 31), closing={0: "410"}, actor=cast.rita, now=NOW)
    install_meter(
        meter=meter,
        service_point_id=cast.other_flat.pk,
        installed_from=date(2021, 4, 1),
        opening={0: "410"},
        actor=cast.rita,
        now=NOW,
    )
    here = Reading.objects.filter(register=cast.register, reading_date=date(2021, 3, 31))
    assert sorted(here.values_list("bucket", flat=True)) == [cast.flat.bucket, cast.other_flat.bucket]
    moved = cast.tell("450", date(2021, 4, 30))
    assert Reading.objects.get(pk=moved.reading_id).bucket == cast.other_flat.bucket


def test_places_that_are_refused(cast: MeterCast) -> None:
    new = new_meter()
    place = {"meter": new, "opening": {0: "0"}, "actor": cast.rita, "now": NOW}
    with pytest.raises(UnableToInstallMeter, match="Meter E-1 counts there"):
        install_meter(service_point_id=cast.flat.pk, installed_from=EXCHANGE, **place)
    with pytest.raises(UnableToInstallMeter, match="supplies cold_water"):
        install_meter(service_point_id=cast.other_flat.pk, installed_from=EXCHANGE, **place)
    with pytest.raises(UnableToInstallMeter, match="later than 2021-06-07"):
        install_meter(service_point_id=cast.flat.pk, installed_from=date(2021, 7, 1), **place)
    remove_meter(meter=cast.register.meter, last_day=EXCHANGE, closing={0: "410"}, actor=None, now=NOW)
    with pytest.raises(UnableToInstallMeter, match="opening reading of Total is missing"):
        install_meter(service_point_id=cast.flat.pk, installed_from=EXCHANGE, **place | {"opening": {}})


def test_removals_that_are_refused(cast: MeterCast) -> None:
    meter = cast.register.meter
    cast.tell("350", date(2021, 2, 28))
    told = {"meter": meter, "actor": None, "now": NOW}
    with pytest.raises(UnableToRemoveMeter, match="closing reading of Total is missing"):
        remove_meter(last_day=EXCHANGE, closing={}, **told)
    with pytest.raises(UnableToRemoveMeter, match="read after 2021-02-01"):
        remove_meter(last_day=date(2021, 2, 1), closing={0: "200"}, **told)
    with pytest.raises(UnableToRemoveMeter, match="installed nowhere"):
        remove_meter(last_day=date(2020, 2, 1), closing={0: "200"}, **told)


def test_a_seal_leaves_the_count_and_the_earlier_seal_readable(cast: MeterCast) -> None:
    later = NOW + timedelta(hours=1)
    sealed = seal_meter(
        meter=cast.register.meter, day=EXCHANGE, seal_number="S-9", actor=cast.rita, now=later, proof="act 3"
    )
    assert (sealed.valid.lower, sealed.valid.upper) == (INSTALLED, None)
    assert sealed.proof == "Sealed on 2021-03-15. act 3"
    places = Installation.objects.filter(meter=cast.register.meter)
    assert places.get(holds_on(EXCHANGE, known_at=NOW)).seal_number == ""
    assert places.get(holds_on(EXCHANGE)).seal_number == "S-9"


def test_meters_that_are_refused(cast: MeterCast) -> None:
    with pytest.raises(UnableToAddMeter, match="already"):
        new_meter("E-1")
    with pytest.raises(UnableToAddMeter, match="one for each zone"):
        add_meter(
            serial="Z",
            model="M",
            service="electricity",
            registers=[RegisterSpec(zone=Zone.TOTAL), RegisterSpec(zone=Zone.DAY)],
        )
    with pytest.raises(UnableToAddMeter, match="one for each zone"):
        new_meter("F", zone=Zone.EXPORT)
    both = add_meter(
        serial="G",
        model="M",
        service="electricity",
        registers=[RegisterSpec(zone=Zone.TOTAL), RegisterSpec(zone=Zone.EXPORT)],
    )
    assert both.registers.count() == 2
    with pytest.raises(UnableToAddMeter, match="Digits"):
        new_meter("E-4", digits=0)
    assert not Meter.objects.filter(serial="E-4").exists()
