"""Tables of the context: files by their content hash."""

from django.db import models

from mains.documents.values import FileKind


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
