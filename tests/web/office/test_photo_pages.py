"""Photos of readings in the office: sent with a reading, shown where it counts, never to people of another district."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pypdf import PdfReader

from mains.billing.models import BillLine
from mains.billing.queries.explain import explain_bill_line
from mains.billing.values import parse_bill_number
from mains.documents.queries.files import path_of
from mains.metering.models import Reading, ReadingException, ReadingPhoto
from mains.reporting.queries.bill_paper import protocol_pdf
from mains.staff.values import EVERYTHING
from mains.web.office import uploads
from photo_cast import CAMERA, files_home, photo
from web.office.test_fact_forms import register_of

__all__ = ["files_home"]
pytestmark = pytest.mark.usefixtures("files_home")


def send(client: Client, number: str, content: bytes, *, name: str = "../../x.html", **changes: object):
    """Record a reading of 6 June with a photo whose name and type are lies."""
    last = Reading.objects.filter(register=register_of(number), superseded_at=None).latest("reading_date")
    told = {
        "register": register_of(number).pk,
        "reading_date": "2021-06-06",
        "value": str(last.value_micro // 10**6 + 10),
        "source": "40",
        "photo": SimpleUploadedFile(name, content, content_type="text/html"),
    }
    return client.post(f"/accounts/{number}/readings/", told | changes, follow=True)


def status(client: Client, address: str) -> int:
    """The status of an answer whose file is closed at once."""
    answer = client.get(address)
    answer.close()
    return answer.status_code


def known(number: str) -> dict[str, object]:
    """What a reading says that the account's last bill rests on."""
    reading = Reading.objects.filter(
        register=register_of(number), reading_date__lte="2021-05-31", superseded_at=None
    )
    last = reading.latest("reading_date")
    whole, micro = divmod(last.value_micro, 10**6)
    value = f"{whole}.{micro:06d}".rstrip("0").rstrip(".")
    return {"reading_date": str(last.reading_date), "value": value}


def test_a_photo_is_shown_with_its_reading_and_served_as_what_it_is(own_office) -> None:
    client, content = own_office.sign_in("supervisor_central"), photo()
    page = send(client, own_office.central, content).content.decode()
    kept = ReadingPhoto.objects.get()
    assert str(kept.reading.reading_date) == "2021-06-06"
    address = f"/photos/{kept.pk}/"
    assert f'src="{address}small/"' in page
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Content-Disposition"] == f'inline; filename="{kept.file.sha256[:12]}.jpg"'
    assert answer["Cache-Control"] == "private, no-cache"
    small = client.get(f"{address}small/")
    assert CAMERA.encode() not in small.content
    with Image.open(io.BytesIO(small.content)) as picture:
        assert picture.size == (480, 640)
    assert client.get(address, headers={"if-none-match": answer["ETag"]}).status_code == 304


def test_a_document_is_saved_and_not_opened(own_office) -> None:
    client = own_office.sign_in("supervisor")
    page = send(client, own_office.central, b"%PDF-1.7\n<script>alert(1)</script>").content.decode()
    kept = ReadingPhoto.objects.get()
    answer = client.get(f"/photos/{kept.pk}/")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    answer.close()
    assert f"/photos/{kept.pk}/small/" not in page
    assert client.get(f"/photos/{kept.pk}/small/").status_code == 404


def test_another_district_and_those_who_see_no_accounts_get_no_photo(own_office) -> None:
    send(own_office.sign_in("supervisor"), own_office.northern, photo())
    kept = ReadingPhoto.objects.get()
    for address in (f"/photos/{kept.pk}/", f"/photos/{kept.pk}/small/"):
        assert status(own_office.sign_in("supervisor_northern"), address) == 200
        assert status(own_office.sign_in("supervisor_central"), address) == 404
        assert status(own_office.sign_in("stranger"), address) == 403
        assert status(Client(HTTP_HOST="localhost"), address) == 302


def test_a_doubted_reading_shows_its_photo_to_who_decides(own_office) -> None:
    client = own_office.sign_in("supervisor_central")
    page = send(client, own_office.central, photo(), value="1").content.decode()
    assert "held for a second look" in page
    kept = ReadingPhoto.objects.get()
    assert kept.exception == ReadingException.objects.latest("pk")
    worklist = own_office.sign_in("supervisor").get("/exceptions/?show=readings").content.decode()
    assert f'src="/photos/{kept.pk}/small/"' in worklist
    assert status(client, f"/photos/{kept.pk}/") == 200
    assert status(own_office.sign_in("supervisor_northern"), f"/photos/{kept.pk}/") == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>", "neither a picture nor a PDF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "HEIC"),
        (photo()[:3000], "cannot be drawn"),
        (b"%PDF-" + bytes(13 * 2**20), "larger than 12 MB"),
    ],
)
def test_a_bad_photo_is_refused_beside_its_field_and_nothing_is_recorded(own_office, content, said) -> None:
    count = Reading.objects.count()
    answer = send(own_office.sign_in("clerk"), own_office.central, content)
    assert said in answer.content.decode()
    assert "photo" in answer.context["form"].errors
    assert Reading.objects.count() == count


def test_more_than_a_request_may_carry_is_cut_and_said(own_office, monkeypatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_BYTES_MAX", 2**20)
    count = Reading.objects.count()
    answer = send(own_office.sign_in("clerk"), own_office.central, b"%PDF-" + bytes(3 * 2**20))
    assert "The file is too large. Nothing was recorded." in answer.content.decode()
    assert Reading.objects.count() == count


def test_a_lost_file_is_told_and_the_page_of_readings_stays(own_office) -> None:
    client = own_office.sign_in("supervisor")
    send(client, own_office.central, photo())
    kept = ReadingPhoto.objects.get()
    path_of(kept.file.sha256).unlink()
    assert client.get(f"/photos/{kept.pk}/").status_code == 404
    assert client.get(f"/accounts/{own_office.central}/meters/").status_code == 200


def test_the_explanation_of_a_bill_goes_down_to_the_photo(own_office) -> None:
    client = own_office.sign_in("supervisor")
    told = known(own_office.central)
    page = send(client, own_office.central, photo(), **told).content.decode()
    assert "Its photo is kept with it." in page
    kept = ReadingPhoto.objects.get()
    month, bill_id = parse_bill_number(own_office.central_bill)
    line = BillLine.objects.filter(
        month=month, bill_id=bill_id, service_month=month, component="energy"
    ).first()
    assert line is not None
    tree = explain_bill_line(month=line.month, bill_id=line.bill_id, line=line.line, reader=EVERYTHING)
    assert f'"value": "{kept.file.sha256}"' in json.dumps(tree.to_data())
    shown = client.get(f"/bills/{own_office.central_bill}/lines/{line.line}/").content.decode()
    assert f'src="/photos/{kept.pk}/small/"' in shown
    assert kept.file.sha256[:12] in shown
    pages = PdfReader(io.BytesIO(protocol_pdf(month=line.month, bill_id=line.bill_id, language="de"))).pages
    (picture,) = [image for page in pages for image in page.images]
    assert picture.image.size == (240, 320)
    assert kept.file.sha256 in "".join(page.extract_text() for page in pages).replace("\n", "")
