"""Photos stay with the reading that they show, also while it waits, and with a reading that was known already."""

from datetime import date

import pytest
from typer.testing import CliRunner

from mains.config.cli.reading import app
from mains.documents.actions.files import UnableToKeepFile
from mains.documents.models import StoredFile
from mains.documents.values import FileKind
from mains.metering.actions.readings import decide_exception
from mains.metering.models import Reading, ReadingException
from mains.metering.queries.photos import photos_of_exceptions, photos_of_readings
from metering_cast import NOW
from photo_cast import files_home, photo

__all__ = ["files_home"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files_home")]
APRIL, MAY = date(2021, 4, 30), date(2021, 5, 31)


def hashes(photos) -> dict[int, list[str]]:
    return {key: [each.sha256 for each in each_of] for key, each_of in photos.items()}


def test_a_photo_is_kept_with_the_reading_and_one_more_with_the_same_reading(cast) -> None:
    taken = cast.tell("1200", APRIL, photo=[photo()])
    again = cast.tell("1200", APRIL, photo=[photo(colour="#ffffff")])
    assert (again.decision, again.known_reading_id) == ("refuse", taken.reading_id)
    cast.tell("1200", APRIL, photo=[photo()])
    found = photos_of_readings(reading_ids=[taken.reading_id])[taken.reading_id]
    assert [each.sha256 for each in found] == list(
        StoredFile.objects.order_by("pk").values_list("sha256", flat=True)
    )
    assert len(found) == 2
    assert Reading.objects.filter(reading_date=APRIL).count() == 1


def test_a_doubted_reading_keeps_its_photo_when_it_is_taken(cast) -> None:
    cast.tell("1200", APRIL)
    doubted = cast.tell("900", MAY, photo=[photo()])
    assert doubted.decision == "queue"
    waiting = photos_of_exceptions(exception_ids=[doubted.exception_id])
    assert len(waiting[doubted.exception_id]) == 1
    taken = decide_exception(exception_id=doubted.exception_id, is_accepted=True, actor=cast.sam, now=NOW)
    assert hashes(photos_of_readings(reading_ids=[taken.reading_id])) == {
        taken.reading_id: hashes(waiting)[doubted.exception_id]
    }


def test_a_bad_photo_leaves_no_reading_behind(cast) -> None:
    with pytest.raises(UnableToKeepFile, match="neither a picture nor a PDF"):
        cast.tell("1200", APRIL, photo=[b"<html>"])
    assert not Reading.objects.filter(reading_date=APRIL).exists()
    assert not ReadingException.objects.exists()


def test_the_command_line_takes_a_photo(cast, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("mains.config.cli.reading.start_django", lambda: None)
    monkeypatch.setenv("MAINS_TODAY", "2021-06-07")
    file = tmp_path / "dial.jpg"
    file.write_bytes(photo())
    told = ["record", "E-1", "1200", "--on", "2021-04-30", "--photo", str(file), "--by", "rita"]
    assert CliRunner().invoke(app, told, catch_exceptions=False).exit_code == 0
    reading = Reading.objects.get(reading_date=APRIL)
    (kept,) = photos_of_readings(reading_ids=[reading.pk])[reading.pk]
    assert kept.kind == FileKind.JPEG
    again = CliRunner().invoke(app, told)
    assert again.exit_code == 1
    assert f"known already as reading {reading.pk}" in again.output
