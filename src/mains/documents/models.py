"""Tables of the context: files by their content hash; documents with what is said about them, what they prove, and how
long they are kept."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from mains.base.facts import Recorded, Withdrawal
from mains.documents.values import TITLE_LENGTH, FileKind, Source, SubjectKind, TextState


class StoredFile(models.Model):
    """A file that proves something, stored once. Its bytes lie under MAINS_HOME; the row is never changed."""

    sha256 = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=20, choices=FileKind)
    size_bytes = models.IntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        "staff.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            # It becomes a path: nothing but the hash may ever stand there.
            models.CheckConstraint(
                condition=models.Q(sha256__regex="^[0-9a-f]{64}$"), name="file_named_by_hash"
            ),
            models.CheckConstraint(condition=models.Q(size_bytes__gt=0), name="file_not_empty"),
        ]


class DocumentKind(Recorded):
    """A kind of documents: its names by language, how long they are kept, and what must have one.

    `keep_years` count from the document's date, or with `keeps_while_open` from the closing of the last account behind
    what it proves, if later; empty: for ever. Stating a kind again supersedes what was stated before.
    """

    code = models.CharField(max_length=40)
    names = models.JSONField()
    keep_years = models.SmallIntegerField(null=True)
    keeps_while_open = models.BooleanField(default=True)
    demanded_of = models.CharField(max_length=20, choices=SubjectKind, blank=True)

    class Meta:
        constraints = [
            # Documents name a kind by its code: one statement of it holds at a time.
            models.UniqueConstraint(
                fields=["code"], condition=Q(superseded_at__isnull=True), name="kind_stated_once"
            ),
            models.CheckConstraint(
                condition=Q(keep_years__isnull=True) | Q(keep_years__gte=0), name="kind_kept_years"
            ),
        ]


class Document(Recorded):
    """A file in the archive; superseded when it is disposed of.

    `unit` is whose inbox it came into, empty for the whole utility's: who sees it while it is linked to nothing.
    """

    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="documents")
    source = models.CharField(max_length=10, choices=Source)
    unit = models.ForeignKey(
        "staff.Organisation", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            # The same file sent again is one document with one more link.
            models.UniqueConstraint(
                fields=["file"], condition=Q(superseded_at__isnull=True), name="one_document_per_file"
            )
        ]


class DocumentDescription(Recorded):
    """What is said about a document; saying it anew supersedes it."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="descriptions")
    title = models.CharField(max_length=TITLE_LENGTH)
    kind_code = models.CharField(max_length=40)
    document_date = models.DateField()

    class Meta:
        constraints = [
            # A document has one title.
            models.UniqueConstraint(
                fields=["document"], condition=Q(superseded_at__isnull=True), name="described_once"
            ),
            models.CheckConstraint(condition=~Q(title=""), name="document_titled"),
        ]
        indexes = [
            # The archive's filter by kind, walked from the latest document.
            models.Index(
                fields=["kind_code", "document"],
                condition=Q(superseded_at__isnull=True),
                name="documents_of_kind",
            ),
            # Its filter by date.
            models.Index(
                fields=["document_date"], condition=Q(superseded_at__isnull=True), name="documents_by_date"
            ),
        ]


class DocumentLink(Recorded):
    """What a document proves something about, from the moment of recording until it is withdrawn."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="links")
    subject_kind = models.CharField(max_length=20, choices=SubjectKind)
    subject_id = models.BigIntegerField()

    class Meta:
        constraints = [
            # Linking twice says no more than once; also finds the links of a document.
            models.UniqueConstraint(
                fields=["document", "subject_kind", "subject_id"],
                condition=Q(superseded_at__isnull=True),
                name="linked_once",
            )
        ]
        indexes = [
            # The documents of an account and of what belongs to it.
            models.Index(
                fields=["subject_kind", "subject_id"],
                condition=Q(superseded_at__isnull=True),
                name="documents_of_subject",
            )
        ]


class DocumentLinkWithdrawal(Withdrawal):
    """Why a document proves nothing of something after all."""

    fact = models.OneToOneField(
        DocumentLink, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class LegalHold(Recorded):
    """A document that is not disposed of, whatever its age; `proof` says why."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="holds")

    class Meta:
        constraints = [
            # A second hold for another reason would be lifted with the first unseen.
            models.UniqueConstraint(
                fields=["document"], condition=Q(superseded_at__isnull=True), name="held_once"
            ),
            models.CheckConstraint(condition=~Q(proof=""), name="hold_has_reason"),
        ]


class LegalHoldRelease(Withdrawal):
    """Why a document need not be held any more."""

    fact = models.OneToOneField(
        LegalHold, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal"
    )


class Disposal(models.Model):
    """A list of documents past their time that somebody proposes to dispose of. Append-only."""

    proposed_by = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    proposed_at = models.DateTimeField()
    document_ids = models.JSONField()


class DisposalConfirmation(models.Model):
    """A second person agreed; `document_ids` are those that were still to be disposed of then. Append-only."""

    disposal = models.OneToOneField(
        Disposal, primary_key=True, on_delete=models.PROTECT, related_name="confirmation"
    )
    proposed_by = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_by = models.ForeignKey("staff.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField()
    document_ids = models.JSONField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(confirmed_by=F("proposed_by")), name="disposal_by_two_people")
        ]


class DocumentWords(models.Model):
    """What the lists of the archive read: the folded words of title and text, and whether it is linked to anything.

    Derived from the rest, made again at any time; gone once the document is disposed of.
    """

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.CASCADE, related_name="words"
    )
    words = SearchVectorField()
    state = models.CharField(max_length=10, choices=TextState)
    text_words = SearchVectorField()
    is_filed = models.BooleanField(default=False)

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="documents_by_words"),  # search by words and their beginnings
            # The few whose text is not read yet.
            models.Index(
                fields=["document"], condition=Q(state=TextState.WAITING), name="document_text_waits"
            ),
            # The inbox: the few that are linked to nothing.
            models.Index(fields=["document"], condition=Q(is_filed=False), name="documents_unfiled"),
        ]
