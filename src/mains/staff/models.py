"""People, their roles and the organisation tree they work in."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from mains.base.facts import DatedFact, one_at_a_time
from mains.staff.values import LONG_PASSWORD, OrganisationKind, ProposalKind, RightsChangeKind


class Organisation(models.Model):
    """A unit of the utility: utility, region, hub or branch, service centre, team."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=OrganisationKind)

    def __str__(self) -> str:
        return self.name


class OrganisationPlacement(DatedFact):
    """Under which parent a unit stands, over which dates."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="placements")
    parent = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="children")

    class Meta:
        constraints = [one_at_a_time(subject="organisation_id", name="one_parent_at_a_time")]


class Role(models.Model):
    """A named set of permissions, configured by a pack and editable as data."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    permissions = models.JSONField(default=list)
    # Roles of the pack; the utility's own ones are made in the office.
    is_delivered = models.BooleanField(default=False, db_default=True)
    demands_second_factor = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person of the utility who signs in."""

    phone = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=10, default="en")
    # Whether the password is long enough to stand alone (NIST SP 800-63B); a short one needs its second factor.
    has_long_password = models.BooleanField(default=False, db_default=False)

    def set_password(self, raw_password: str | None) -> None:
        """Set a password and note whether it may stand alone."""
        super().set_password(raw_password)
        self.has_long_password = raw_password is not None and len(raw_password) >= LONG_PASSWORD

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")


class Assignment(DatedFact):
    """The role a person has in a unit over some dates; rights reach the unit's whole subtree."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="assignments")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")


class Proposal(models.Model):
    """What one person proposes and another decides. Append-only; `subject_id` is the row of the context that carries it
    out, which the kind names."""

    kind = models.CharField(max_length=20, choices=ProposalKind)
    subject_id = models.BigIntegerField()
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=200)
    document = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "subject_id"], name="proposed_once")]


class Decision(models.Model):
    """A proposal approved or refused, once. Append-only."""

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="decision")
    agrees = models.BooleanField()
    note = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")


class ApprovalLimit(DatedFact):
    """Up to which amount people of a role approve proposals of a kind."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="limits")
    kind = models.CharField(max_length=20, choices=ProposalKind)
    amount_minor = models.BigIntegerField()


class RightsChange(models.Model):
    """A change of rights as it was asked for: carried out at once, or when a second administrator agrees to the
    proposal whose subject it is. `before` and `after` are what the role or limit said. Append-only."""

    kind = models.CharField(max_length=20, choices=RightsChangeKind)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="rights_changes")
    role = models.ForeignKey(Role, null=True, on_delete=models.PROTECT, related_name="changes")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)


class SignInDelay(models.Model):
    """Failed sign-ins of one account or from one address; nobody tries again before `locked_until`.

    `subject` is a fingerprint: people type passwords into the wrong field.
    """

    subject = models.CharField(max_length=64, unique=True)
    failures = models.IntegerField()
    last_failed_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)


class Look(models.Model):
    """A person opened a page of an account. Partitioned by month; months that are over are dropped whole."""

    month = models.DateField(primary_key=True)
    at = models.DateTimeField()
    user_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    page = models.CharField(max_length=60)
    address = models.GenericIPAddressField(null=True)
    reason = models.CharField(max_length=200)

    class Meta:
        managed = False


class AuditChange(models.Model):
    """A row that a request wrote: what it said before and after, written by a trigger in the same transaction.
    Append-only."""

    request_id = models.UUIDField()
    at = models.DateTimeField(db_default=Now())
    table = models.CharField(max_length=63)
    row_id = models.CharField(max_length=40)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["request_id"], name="audit_change_request")
        ]  # the changes of an entry


class AuditEntry(models.Model):
    """One writing request: who, what, why, from where, with what outcome. Chained by hash. Append-only."""

    request_id = models.UUIDField(unique=True)
    at = models.DateTimeField()
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.CharField(max_length=150)
    channel = models.CharField(max_length=10)
    operation = models.CharField(max_length=80)
    path = models.CharField(max_length=300)
    status = models.SmallIntegerField()
    reason = models.CharField(max_length=200)
    address = models.CharField(max_length=45)
    changes = models.IntegerField()
    changes_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="audit_of_person"),  # what did this person do
            models.Index(fields=["operation", "-id"], name="audit_of_operation"),  # who did this
        ]
