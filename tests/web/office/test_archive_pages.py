"""The archive in the office: sent from an account, found by words, never shown to another district, harmless."""

import io
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mains.customers.models import Account
from mains.documents.actions.words import read_waiting_texts
from mains.documents.models import Document, DocumentLink, LegalHold, StoredFile
from mains.documents.queries.files import path_of
from mains.payments.models import Receipt
from mains.reporting.actions.archive_mail import take_message
from mains.reporting.queries.archive.retention import list_past
from mains.reporting.queries.personal_data import list_held
from mains.staff.models import Look, Organisation, Role
from mains.web.office import uploads
from photo_cast import files_home, photo
from web.office.conftest import TODAY

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)

__all__ = ["files_home"]
pytestmark = pytest.mark.usefixtures("files_home")


def sent(name: str, content: bytes, kind: str = "text/html") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)


def send(client: Client, number: str, *files: SimpleUploadedFile, **changes: object):
    """Send files to an account; their types are lies."""
    account = Account.objects.get(number=number)
    told = {
        "files": list(files),
        "title": "",
        "kind": "contract",
        "document_date": "2021-06-01",
        "subject": f"account:{account.pk}",
    }
    return client.post(f"/accounts/{number}/documents/add/", told | changes, follow=True)


def status(client: Client, address: str) -> int:
    answer = client.get(address)
    answer.close()
    return answer.status_code


def test_several_files_are_kept_shown_found_and_served_as_what_they_are(own_office) -> None:
    client = own_office.sign_in("clerk")
    scan = sent("../../Скан договора.jpg.html", photo())
    note = sent("note.txt", "Пломба сорвана, <b>seal</b>".encode())
    page = send(client, own_office.central, scan, note).content.decode()
    assert "2 files are kept." in page
    picture, text = Document.objects.order_by("pk")
    assert f'src="/archive/{picture.pk}/small/"' in page
    assert "Contract" in page
    read_waiting_texts()
    found = client.get("/archive/?q=plomba sorv").content.decode()
    assert f"/archive/{text.pk}/" in found
    assert f"/archive/{picture.pk}/" not in found
    assert f"/archive/{picture.pk}/" in client.get("/archive/?q=dogovora&kind=contract").content.decode()
    assert f"/archive/{picture.pk}/" not in client.get("/archive/?q=dogovora&kind=letter").content.decode()
    assert f"/archive/{picture.pk}/" not in client.get("/archive/?from=2021-06-02").content.decode()
    assert "No documents found" in client.get("/archive/?q='%26|!").content.decode()
    served = client.get(f"/archive/{text.pk}/file/")
    assert served["Content-Type"] == "text/plain; charset=utf-8"
    assert served["Content-Disposition"].startswith("attachment")
    for answer in (served, client.get(f"/archive/{picture.pk}/file/")):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        answer.close()


def test_another_district_and_those_who_see_no_accounts_see_no_document(own_office) -> None:
    send(own_office.sign_in("supervisor"), own_office.northern, sent("seal.jpg", photo()))
    document = Document.objects.get()
    addresses = [f"/archive/{document.pk}/{part}" for part in ("", "file/", "small/")]
    for address in addresses:
        assert status(own_office.sign_in("supervisor_northern"), address) == 200
        assert status(own_office.sign_in("supervisor_central"), address) == 404
        assert status(own_office.sign_in("stranger"), address) == 403
    listed = own_office.sign_in("supervisor_central").get("/archive/?q=seal").content.decode()
    assert f"/archive/{document.pk}/" not in listed
    foreign = own_office.sign_in("supervisor_central")
    for part in ("describe", "link", f"links/{DocumentLink.objects.get().pk}/withdraw"):
        assert foreign.post(f"/archive/{document.pk}/{part}/").status_code == 404
    # The same bytes sent by another district are linked there; each sees its own link only.
    send(foreign, own_office.central, sent("mine.jpg", photo()))
    page = foreign.get(f"/archive/{document.pk}/").content.decode()
    assert own_office.central in page
    assert own_office.northern not in page
    assert StoredFile.objects.count() == 1


def test_a_document_of_a_payment_needs_the_right_to_see_money(own_office) -> None:
    receipt = Receipt.objects.filter(account_id=Account.objects.get(number=own_office.central).pk).first()
    assert receipt
    client = own_office.sign_in("supervisor_central")
    page = send(client, own_office.central, sent("slip.jpg", photo()), subject=f"payment:{receipt.pk}")
    document = Document.objects.get()
    assert f"/archive/{document.pk}/" in page.content.decode()
    assert status(client, f"/archive/{document.pk}/") == 200
    role = Role.objects.get(code="supervisor")
    Role.objects.filter(pk=role.pk).update(permissions=sorted(set(role.permissions) - {"see_money"}))
    assert status(client, f"/archive/{document.pk}/") == 404
    own = client.get(f"/accounts/{own_office.central}/documents/")
    assert own.status_code == 200
    assert f"/archive/{document.pk}/" not in own.content.decode()
    send(client, own_office.central, sent("x.jpg", photo(width=90)), subject=f"payment:{receipt.pk}")
    assert Document.objects.count() == 1


def test_who_has_to_see_masks_may_add_documents_and_sees_none(own_office) -> None:
    officer = own_office.sign_in("field_officer")
    page = send(officer, own_office.central, sent("act.jpg", photo())).content.decode()
    document = Document.objects.get()
    assert "Documents are not shown to you" in page
    assert f"/archive/{document.pk}/" not in page
    for part in ("/archive/", *(f"/archive/{document.pk}/{part}" for part in ("", "file/", "small/"))):
        assert status(officer, part) == 403
    assert officer.post(f"/archive/{document.pk}/link/", {"number": own_office.central}).status_code == 403


def test_opening_a_document_leaves_a_trace(own_office) -> None:
    client = own_office.sign_in("supervisor_central")
    send(client, own_office.central, sent("act.jpg", photo()))
    assert status(client, f"/archive/{Document.objects.get().pk}/file/") == 200
    looks = Look.objects.filter(account_id=Account.objects.get(number=own_office.central).pk)
    assert "document_file" in looks.values_list("page", flat=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "nor plain text"),
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(40), "nor plain text"),
        (b"%PDF-" + bytes(13 * 2**20), "larger than 12 MB"),
        (photo()[:3000], "cannot be drawn"),
    ],
    ids=["svg", "empty", "zip", "large", "cut"],
)
def test_a_bad_file_is_said_and_keeps_no_other_out(own_office, content, said) -> None:
    client = own_office.sign_in("clerk")
    page = send(client, own_office.central, sent("bad.png", content, "image/png"), sent("good.jpg", photo()))
    assert said in page.content.decode()
    assert "1 file is kept." in page.content.decode()
    assert Document.objects.count() == 1
    answer = client.post(
        f"/accounts/{own_office.central}/documents/add/",
        {"files": sent("b.png", content), "kind": "nonsense"},
        headers={"accept": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json()["texts"]


def test_a_gigabyte_is_refused_before_it_is_read(own_office, files_home, monkeypatch) -> None:
    client = own_office.sign_in("clerk")
    address = f"/accounts/{own_office.central}/documents/add/"

    class Endless(io.RawIOBase):
        def read(self, *_: object) -> bytes:
            raise AssertionError("nothing of it may be read")

    answer = client.generic("POST", address, b"", CONTENT_LENGTH=str(2**30), **{"wsgi.input": Endless()})
    assert answer.status_code == 413
    monkeypatch.setattr(uploads, "UPLOAD_BYTES_MAX", 2**20)
    cut = send(client, own_office.central, sent("a.pdf", b"%PDF-" + bytes(3 * 2**20)))
    assert "too large together" in cut.content.decode()
    assert not Document.objects.exists()
    assert [path for path in files_home.rglob("*") if path.is_file()] == []


def test_a_wrong_link_is_withdrawn_and_the_document_goes_back_to_be_filed(own_office) -> None:
    clerk = own_office.sign_in("supervisor_central")
    send(clerk, own_office.central, sent("act.jpg", photo()))
    document, link = Document.objects.get(), DocumentLink.objects.get()
    gone = clerk.post(
        f"/archive/{document.pk}/links/{link.pk}/withdraw/", {"reason": "Other flat"}, follow=True
    )
    assert gone.redirect_chain[-1][0] == "/archive/"
    assert status(clerk, f"/archive/{document.pk}/") == 404
    whole = own_office.sign_in("administrator")
    assert f"/archive/{document.pk}/" in whole.get("/archive/?show=unfiled").content.decode()
    whole.post(f"/archive/{document.pk}/link/", {"number": own_office.northern})
    page = whole.get(f"/archive/{document.pk}/").content.decode()
    assert "Other flat" in page
    assert own_office.northern in page


def test_a_hold_is_put_and_lifted_by_administrators_with_reasons(own_office) -> None:
    send(own_office.sign_in("clerk"), own_office.central, sent("act.jpg", photo()))
    document = Document.objects.get()
    assert own_office.sign_in("clerk").post(f"/archive/{document.pk}/hold/").status_code == 403
    whole = own_office.sign_in("administrator")
    assert "A reason has" in whole.post(f"/archive/{document.pk}/hold/", follow=True).content.decode()
    whole.post(f"/archive/{document.pk}/hold/", {"reason": "Court 2-17/2021"})
    assert "Court 2-17/2021" in whole.get(f"/archive/{document.pk}/").content.decode()
    whole.post(f"/archive/{document.pk}/release/", {"reason": "Judged"})
    assert LegalHold.objects.get().withdrawal.reason == "Judged"


def test_what_is_past_its_time_waits_for_the_closing_of_the_account_and_for_the_hold(own_office) -> None:
    client = own_office.sign_in("administrator")
    send(client, own_office.central, sent("old.jpg", photo()), document_date="2001-06-01")
    document = Document.objects.get()
    assert list_past(today=TODAY) == []
    Account.objects.filter(number=own_office.central).update(closed_on="2010-01-01")
    (past,) = list_past(today=TODAY)
    assert (past.id, str(past.keep_until)) == (document.pk, "2015-01-01")
    client.post(f"/archive/{document.pk}/hold/", {"reason": "Court"})
    assert list_past(today=TODAY) == []


def message(subject: str, body: str = "See the file.") -> bytes:
    made = EmailMessage()
    made["Subject"], made["Date"] = subject, "Tue, 01 Jun 2021 10:00:00 +0300"
    made.set_content(body)
    made.add_attachment(photo(), maintype="image", subtype="jpeg", filename="../../dial.jpg")
    made.add_attachment(b"<html><script>1</script>", maintype="text", subtype="html", filename="a.html")
    return made.as_bytes()


def test_e_mail_is_filed_to_the_account_that_it_names_else_to_the_inbox(own_office) -> None:
    told = {"unit_id": None, "actor": None, "now": NOW}
    named = take_message(content=message(f"Photo for {own_office.central}"), **told)
    assert named.account_number == own_office.central
    kept, refused = named.attachments
    assert (kept.name, kept.is_new) == ("dial", True)
    assert refused.refusal is not None
    assert refused.refusal.code == "file-kind-archive"
    assert DocumentLink.objects.get().subject_id == Account.objects.get(number=own_office.central).pk
    both = take_message(
        content=message("Hello", f"{own_office.central} or {own_office.northern}").replace(b"dial", b"other"),
        **told,
    )
    assert both.account_number == ""
    assert not both.attachments[0].is_new  # the same bytes
    assert DocumentLink.objects.count() == 1


def test_what_names_no_account_waits_in_the_inbox_of_its_unit(own_office) -> None:
    unit = Organisation.objects.get(code="PES-C").pk
    take_message(content=message("Hello"), unit_id=unit, actor=None, now=NOW)
    document = Document.objects.get()
    assert f"/archive/{document.pk}/" in (
        own_office.sign_in("supervisor_central").get("/archive/?show=unfiled").content.decode()
    )
    assert status(own_office.sign_in("supervisor_northern"), f"/archive/{document.pk}/") == 404


def test_the_account_page_says_where_proof_is_missing(own_office) -> None:
    client = own_office.sign_in("clerk")
    address = f"/accounts/{own_office.central}/documents/"
    page = client.get(address).content.decode()
    assert "Proof is missing" in page
    account = Account.objects.get(number=own_office.central)
    for place, agreement in enumerate(account.agreements.filter(superseded_at=None, valid__endswith=None)):
        send(
            client,
            own_office.central,
            sent("c.jpg", photo(width=60 + place)),
            subject=f"agreement:{agreement.pk}",
        )
    assert "Proof is missing" not in client.get(address).content.decode()


def test_everything_held_about_a_customer_names_their_documents(own_office) -> None:
    send(own_office.sign_in("clerk"), own_office.central, sent("act.jpg", photo()))
    customer_id = Account.objects.get(number=own_office.central).customer_id
    held = {table.table: table.rows for table in list_held(customer_id=customer_id)}
    assert [row["title"] for row in held["documents_document"]] == ["act"]


def test_a_lost_file_is_told(own_office) -> None:
    client = own_office.sign_in("clerk")
    send(client, own_office.central, sent("act.jpg", photo()))
    path_of(StoredFile.objects.get().sha256).unlink()
    assert client.get(f"/archive/{Document.objects.get().pk}/file/").status_code == 404
    assert client.get(f"/archive/{Document.objects.get().pk}/").status_code == 200
