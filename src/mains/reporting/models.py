"""Read models: rebuilt from the contexts below at any time, the source of nothing."""

from django.db import models


class SearchToken(models.Model):
    """One folded word by which an account is found; rebuilt from the registry at any time."""

    token = models.CharField(max_length=60, db_collation="C")
    kind = models.CharField(max_length=1)
    account = models.ForeignKey("customers.Account", on_delete=models.CASCADE, db_index=False, related_name="+")

    class Meta:
        # Prefix search as you type: the C collation makes this B-tree serve LIKE 'abc%'.
        indexes = [models.Index(fields=["token", "account"], name="search_token_prefix")]
