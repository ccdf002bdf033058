"""The archive below its pages: one document per file, links withdrawn and never deleted, text of hostile files, holds,
disposal by two people, and the look at all files."""

import io
import os
import signal
import time
import zlib
from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from pypdf import PdfWriter

from mains.documents.actions.archive import (
    Described,
    UnableToFileDocument,
    describe_document,
    file_document,
    hold_document,
    link_document,
    release_hold,
    title_of_file,
    withdraw_link,
)
from mains.documents.actions.disposal import (
    UnableToDispose,
    confirm_disposal,
    propose_disposal,
    remove_left_behind,
)
from mains.documents.actions.files import UnableToKeepFile, keep_file
from mains.documents.actions.kinds import UnableToStateKinds, state_kinds
from mains.documents.actions.words import read_document_text, read_waiting_texts
from mains.documents.models import (
    DisposalConfirmation,
    Document,
    DocumentKind,
    DocumentLink,
    DocumentWords,
    StoredFile,
)
from mains.documents.queries.files import open_file, path_of
from mains.documents.queries.integrity import YOUNG_SECONDS, check_files
from mains.documents.queries.mail import UnableToReadMessage, read_message
from mains.documents.values import ARCHIVED, Subject, SubjectKind, TextState
from mains.packs.document_kinds import state_standard_kinds
from mains.staff.models import User
from photo_cast import files_home, photo

NOW = datetime(2021, 6, 7, 9, 0, tzinfo=UTC)
ACCOUNT, OTHER = Subject(SubjectKind.ACCOUNT, 7), Subject(SubjectKind.METER, 8)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files_home", "kinds")]
__all__ = ["files_home"]


@pytest.fixture
def kinds() -> None:
    state_standard_kinds(now=NOW)


def pdf_of(text: str, *, password: str = "", page: bytes | None = None) -> bytes:
    """A PDF of one page that shows the text, in ASCII."""
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, StreamObject

    writer = PdfWriter()
    sheet = writer.add_blank_page(200, 200)
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                             NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
    sheet[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    stream: StreamObject = DecodedStreamObject()
    if page is None:
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
    else:
        stream = StreamObject()
        stream._data = page
        stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    sheet[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def bomb(*, megabytes: int) -> bytes:
    """So much text behind a thousandth of it: it is never unpacked whole."""
    packer = zlib.compressobj(1)
    part = b"(a) Tj " * (2**20 // 7)
    return b"".join(packer.compress(part) for _ in range(megabytes)) + packer.flush()


def described(title: str = "Contract 17", kind: str = "contract", day: date = date(2015, 3, 1)) -> Described:
    return Described(title=title, kind_code=kind, document_date=day)


def kept(content: bytes, *subjects: Subject, told: Described | None = None):
    return file_document(
        chunks=[content], described=told or described(), subjects=subjects, actor=None, now=NOW
    )


def words_of(document_id: int) -> str:
    return DocumentWords.objects.get(document_id=document_id).words


def test_the_same_file_twice_is_one_document_with_two_links(files_home) -> None:
    first = kept(photo(), ACCOUNT)
    second = kept(photo(), OTHER, told=described("Said otherwise"))
    assert (first.is_new, second.is_new, second.id) == (True, False, first.id)
    assert StoredFile.objects.count() == Document.objects.count() == 1
    links = DocumentLink.objects.order_by("pk").values_list("subject_kind", "subject_id")
    assert list(links) == [("account", 7), ("meter", 8)]
    assert len([path for path in (files_home / "files").rglob("*") if path.is_file()]) == 2


def test_a_link_is_withdrawn_with_its_reason_and_stays_readable() -> None:
    document = kept(photo(), ACCOUNT)
    link = DocumentLink.objects.get()
    with pytest.raises(UnableToFileDocument, match="reason"):
        withdraw_link(link_id=link.pk, reason=" ", actor=None, now=NOW)
    withdraw_link(link_id=link.pk, reason="Another flat", actor=None, now=NOW)
    assert DocumentLink.objects.get().withdrawal.reason == "Another flat"
    with pytest.raises(UnableToFileDocument, match="withdrawn already"):
        withdraw_link(link_id=link.pk, reason="again", actor=None, now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        DocumentLink.objects.all().delete()
    link_document(document_id=document.id, subject=ACCOUNT, actor=None, now=NOW)
    link_document(document_id=document.id, subject=ACCOUNT, actor=None, now=NOW)
    assert DocumentLink.objects.filter(superseded_at=None).count() == 1


def test_text_and_titles_are_found_folded_and_a_new_title_replaces_the_old_one() -> None:
    plain = kept("Договор с Щербаковым\n".encode(), told=described("Заявление"))
    pdf = kept(pdf_of("Meter seal torn"))
    assert read_waiting_texts() == 2
    assert "'scherbakovim'" in words_of(plain.id)
    assert "'zaiavlene'" in words_of(plain.id)
    assert "'torn'" in words_of(pdf.id)
    describe_document(document_id=pdf.id, described=described("Protocol"), actor=None, now=NOW)
    assert "'protocol'" in words_of(pdf.id)
    assert "'torn'" in words_of(pdf.id)
    assert "'contract'" not in words_of(pdf.id)
    assert Document.objects.get(pk=pdf.id).descriptions.count() == 2


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"%PDF-1.7\nbroken beyond reading", TextState.BROKEN),
        (pdf_of("secret", password="x"), TextState.LOCKED),
        (pdf_of("", page=bomb(megabytes=100)), TextState.TOO_MUCH),
        (pdf_of(" "), TextState.NONE),
    ],
    ids=["broken", "locked", "bomb", "empty"],
)
def test_a_pdf_that_cannot_be_read_is_kept_and_said(content: bytes, state: TextState) -> None:
    document = kept(content)
    assert read_document_text(document_id=document.id) == state
    assert DocumentWords.objects.get().state == state
    with open_file(sha256=StoredFile.objects.get().sha256) as file:
        assert file.read() == content
    assert "'contract'" in words_of(document.id)


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"\xef\xbb\xbf  <!DOCTYPE html><body onload=alert(1)>",
        b"harmless words, then <script>alert(1)</script>",
        b"PK\x03\x04" + bytes(100),
        b"\x1f\x8b" + bytes(100),
        b"MZ\x90\x00",
        b"   \n",
        b"",
        "word".encode("utf-16"),
    ],
    ids=["svg", "html", "script", "zip", "gzip", "program", "blank", "empty", "utf16"],
)
def test_markup_packed_files_and_programs_are_refused_and_nothing_is_left(files_home, content) -> None:
    with pytest.raises(UnableToKeepFile) as refused:
        kept(content, ACCOUNT)
    assert refused.value.remedy
    assert not Document.objects.exists()
    assert [path for path in files_home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\Contract 5.pdf", "Contract 5"),
        ("photo.jpg", "photo"),
        ("con\x00tract\u202efdp.exe", "contractfdp"),
        ("..", ""),
        ("x" * 500, "x" * 200),
    ],
)
def test_names_of_senders_become_titles_and_never_paths(name: str, title: str) -> None:
    assert title_of_file(name) == title


def test_a_process_killed_while_it_receives_leaves_nothing_but_what_is_swept(files_home) -> None:
    child = os.fork()
    if child == 0:

        def cut():
            yield photo()[:5000]
            os.kill(os.getpid(), signal.SIGKILL)

        keep_file(chunks=cut(), actor=None, now=NOW, kinds=ARCHIVED)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    (left,) = [path for path in files_home.rglob("*") if path.is_file()]
    assert check_files().left_behind == []
    os.utime(left, (0, time.time() - YOUNG_SECONDS - 1))
    found = check_files()
    assert remove_left_behind(places=found.left_behind) == 1
    assert not left.exists()


def test_the_look_at_all_files_finds_damage_loss_strangers_and_what_nothing_points_to() -> None:
    for colour in ("red", "green", "blue"):
        kept(photo(width=60, height=40, colour=colour), told=described(colour))
    alone = keep_file(chunks=[photo()], actor=None, now=NOW)
    assert check_files().is_sound
    damaged, missing, _ = StoredFile.objects.filter(documents__isnull=False).order_by("pk")
    content = path_of(damaged.sha256).read_bytes()
    path_of(damaged.sha256).write_bytes(content[:-1] + b"?")
    path_of(missing.sha256).unlink()
    path_of(alone.sha256).with_name("note.txt").write_text("?")
    os.utime(path_of(alone.sha256), (0, 0))
    found = check_files()
    assert (found.checked, found.damaged, found.missing) == (3, [damaged.sha256], [missing.sha256])
    assert found.unreferenced == [alone.sha256]
    assert [place.name for place in found.strange] == ["note.txt"]
    assert not found.is_sound


def test_disposal_takes_two_people_and_stops_at_a_hold(files_home) -> None:
    one, two = (User.objects.create(username=name) for name in ("one", "two"))
    held, gone = kept(photo()), kept(photo(colour="red"))
    sha256 = Document.objects.get(pk=gone.id).file.sha256
    ids = [held.id, gone.id]
    listed = propose_disposal(document_ids=ids, actor=one, now=NOW)
    hold_document(document_id=held.id, reason="Court 2-17/2021", actor=one, now=NOW)
    with pytest.raises(UnableToDispose, match="your own"):
        confirm_disposal(disposal_id=listed.pk, due_ids=ids, actor=one, now=NOW)
    assert confirm_disposal(disposal_id=listed.pk, due_ids=ids, actor=two, now=NOW) == [gone.id]
    assert not path_of(sha256).exists()
    assert Document.objects.get(pk=gone.id).superseded_at == NOW
    assert check_files().is_sound
    with pytest.raises(UnableToDispose, match="confirmed already"):
        confirm_disposal(disposal_id=listed.pk, due_ids=ids, actor=two, now=NOW)
    with pytest.raises(UnableToFileDocument, match="disposed of"):
        link_document(document_id=gone.id, subject=ACCOUNT, actor=None, now=NOW)
    release_hold(document_id=held.id, reason="Judged", actor=one, now=NOW)
    again = kept(photo(colour="red"))
    assert again.is_new
    assert path_of(sha256).exists()
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        third = propose_disposal(document_ids=[again.id], actor=one, now=NOW)
        DisposalConfirmation.objects.create(
            disposal=third, proposed_by=one, confirmed_by=one, confirmed_at=NOW, document_ids=[]
        )


def test_kinds_are_data_and_what_was_stated_before_stays() -> None:
    assert state_standard_kinds(now=NOW) == 0
    said = "letter: {names: {en: Letter}, keep_years: 9}"
    assert state_kinds(document=said, actor=None, now=NOW) == 1
    assert DocumentKind.objects.filter(code="letter").count() == 2
    assert DocumentKind.objects.get(code="letter", superseded_at=None).keep_years == 9
    for bad in ("[", "letter: {names: {de: Brief}}", "x: {names: {en: X}, keep_years: -1}", "x: 5",
                "x: {names: {en: X}, demanded_of: moon}"):  # fmt: skip
        with pytest.raises(UnableToStateKinds):
            state_kinds(document=bad, actor=None, now=NOW)


def test_what_is_no_message_is_refused_and_odd_messages_are_read() -> None:
    with pytest.raises(UnableToReadMessage):
        read_message(b"\x00\x01\x02")
    odd = (
        b"Subject: =?utf-8?b?0JDQutGC?=\r\nDate: nonsense\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=unheard-of\r\n\r\nwords\r\n"
        b'--b\r\nContent-Disposition: attachment; filename="../../a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nact\r\n--b--\r\n"
    )
    message = read_message(odd)
    assert (message.subject, message.body.strip(), message.sent_on) == ("Акт", "words", None)
    assert [one.content.strip() for one in message.attachments] == [b"act"]
