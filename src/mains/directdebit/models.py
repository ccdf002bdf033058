"""Tables of direct debits: who collects, by which mandates, what was ordered at banks, and what they said."""

from django.db import models

from mains.base.facts import DatedFact, one_at_a_time
from mains.directdebit.values import ItemEventKind, MandateEventKind, MandateUse, Scheme, Sequence


class Creditor(DatedFact):
    """Who collects: the utility, or a provider whose bills it sends, by its SEPA creditor identifier.

    `number` tells several creditors of one utility apart. `notice_days` lie between the notice to the customer and the
    collection; a mandate is suspended after `returns_limit` returns in a row.
    """

    number = models.SmallIntegerField()
    name = models.CharField(max_length=70)
    creditor_id = models.CharField(max_length=35)
    iban = models.CharField(max_length=34)
    bic = models.CharField(max_length=11, blank=True)
    notice_days = models.SmallIntegerField()
    returns_limit = models.SmallIntegerField()

    class Meta:
        constraints = [one_at_a_time(subject="number", name="one_creditor_at_a_time")]


class Mandate(DatedFact):
    """A customer's permission to collect what the account owes; revoked on the day its dates end.

    `identifier` stays when the customer changes banks: a new fact has the new account from its day on.
    """

    account = models.ForeignKey("customers.Account", on_delete=models.PROTECT, related_name="mandates")
    creditor_number = models.SmallIntegerField()
    identifier = models.CharField(max_length=35)
    signed_on = models.DateField()
    debtor_name = models.CharField(max_length=70)
    iban = models.CharField(max_length=34)
    bic = models.CharField(max_length=11, blank=True)
    scheme = models.CharField(max_length=4, choices=Scheme)
    use = models.CharField(max_length=4, choices=MandateUse)

    class Meta:
        constraints = [one_at_a_time(subject="account_id", name="one_mandate_at_a_time")]
        indexes = [models.Index(fields=["creditor_number", "identifier"], name="mandate_identifier")]


class MandateEvent(models.Model):
    """A mandate suspended because banks returned its collections, or resumed by a person; the latest counts.
    Append-only."""

    creditor_number = models.SmallIntegerField()
    identifier = models.CharField(max_length=35)
    kind = models.CharField(max_length=10, choices=MandateEventKind)
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["creditor_number", "identifier"], name="mandate_event")]


class Collection(models.Model):
    """Direct debits of one creditor on one day, proposed as one. Append-only."""

    creditor_number = models.SmallIntegerField()
    collect_on = models.DateField()
    item_count = models.IntegerField()
    amount_minor = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class CollectionItem(models.Model):
    """One direct debit. `batch` is the payment information of the file, which the bank books as one sum;
    `changed_from` is the account of the mandate's collection before, where the customer changed banks. Append-only."""

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="items")
    mandate = models.ForeignKey(Mandate, on_delete=models.PROTECT, related_name="items")
    account_id = models.BigIntegerField(db_index=True)
    end_to_end_id = models.CharField(max_length=35, unique=True)
    batch = models.CharField(max_length=35, db_index=True)
    sequence = models.CharField(max_length=4, choices=Sequence)
    amount_minor = models.BigIntegerField()
    changed_from = models.CharField(max_length=34, blank=True)


class CollectionDecision(models.Model):
    """A collection approved by another person, or refused. Append-only."""

    collection = models.OneToOneField(Collection, on_delete=models.PROTECT, related_name="decision")
    agrees = models.BooleanField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class CollectionFile(models.Model):
    """The bytes that went to the bank, once a collection. Append-only."""

    collection = models.OneToOneField(Collection, on_delete=models.PROTECT, related_name="file")
    identifier = models.CharField(max_length=35, unique=True)
    content = models.BinaryField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("staff.User", null=True, on_delete=models.PROTECT, related_name="+")


class ItemEvent(models.Model):
    """What a bank's file said of a direct debit: accepted or refused before its day, collected as a receipt, or
    returned with a reason. Receipt and line of the bank are those of the latter two. Append-only."""

    item = models.ForeignKey(CollectionItem, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=ItemEventKind)
    receipt_id = models.BigIntegerField(null=True)
    bank_transaction_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=10, blank=True)
    charge_minor = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "kind"], name="said_once_of_item"),
            models.UniqueConstraint(fields=["bank_transaction_id", "kind"], name="bank_line_said_once"),
        ]
