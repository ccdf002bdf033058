"""People, their roles and the organisation tree they work in."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.base.facts import DatedFact, one_at_a_time
from mains.staff.values import OrganisationKind, ProposalKind


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

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person of the utility who signs in."""

    phone = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=10, default="en")

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
