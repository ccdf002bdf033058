"""Words of the debt context."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.ledger.values import EntryKind


class MovementKind(models.TextChoices):
    """What happens to a debt or a credit besides bills and payments. The values are those of `ProposalKind`."""

    WRITE_OFF = "write_off", _("Write-off")
    REFUND = "refund", _("Refund")
    TRANSFER = "transfer", _("Transfer between accounts")
    OFFSET = "offset", _("Offset between services")


class RefundWay(models.TextChoices):
    """How a refund is paid."""

    BANK = "bank", _("By bank transfer")
    CASH = "cash", _("In cash")


class MovementState(models.TextChoices):
    """Where a movement stands."""

    WAITING = "waiting", _("Waits for approval")
    REFUSED = "refused", _("Refused")
    POSTED = "posted", _("Posted")
    ORDERED = "ordered", _("Ordered at the bank")
    PAID = "paid", _("Paid out")
    UNDONE = "undone", _("Posted back")


class InterestCause(models.TextChoices):
    """Why interest was posted; all but the first correct what was posted before."""

    DAYS = "days", _("Days that passed")
    MONEY = "money", _("Payment entered late or taken back")
    BILL = "bill", _("Bill recalculated")
    TERMS = "terms", _("Rule or rate changed")
    OTHER = "other", _("Debt moved or written off")


class Interruption(models.TextChoices):
    """What starts the limitation of a debt anew."""

    NEVER = "never", _("Nothing")
    PART_PAYMENT = "part_payment", _("A part payment or an acknowledgement")


class PlanKind(models.TextChoices):
    """Who has agreed to pay a debt in instalments, and how."""

    ORDINARY = "ordinary", _("Agreed with the customer")
    ENFORCEMENT = "enforcement", _("Ordered by a court or bailiff")
    FIXED = "fixed", _("Fixed payment until the debt is paid")


class PlanState(models.TextChoices):
    """Where an instalment plan stands. All but the first two follow from dated facts and are never set by hand."""

    WAITING = "waiting", _("Waits for approval")
    REFUSED = "refused", _("Refused")
    RUNNING = "running", _("On schedule")
    LATE = "late", _("Late")
    BROKEN = "broken", _("Broken")
    PAID = "paid", _("Paid off")
    CANCELLED = "cancelled", _("Cancelled")
    REPLACED = "replaced", _("Replaced by another plan")


class PlanEndingKind(models.TextChoices):
    """Why a plan ended before its last instalment."""

    CANCELLED = "cancelled", _("Cancelled")
    REPLACED = "replaced", _("Replaced by another plan")


class TermsKind(models.TextChoices):
    """Contracts and rules that people state from a day on."""

    CONTRACT = "contract", _("Contract with a provider")
    PAYEE = "payee", _("Payee")
    INTEREST = "interest", _("Rule of late interest")
    RATE = "rate", _("Published rate")
    LIMITATION = "limitation", _("Limitation")
    LIMIT = "limit", _("Approval limit")
    TARGET = "target", _("Collection target")


BY_TWO_PEOPLE = frozenset(
    {TermsKind.CONTRACT, TermsKind.PAYEE, TermsKind.INTEREST, TermsKind.RATE, TermsKind.LIMIT}
)
"""Terms by which money moves, or by which somebody may let it move: one person asks, another agrees."""


BEARING = (EntryKind.OPENING, EntryKind.BILL, EntryKind.TRANSFER, EntryKind.SHARE, EntryKind.ADVANCE)
"""Kinds of debt that bear late interest when they are overdue; interest itself never does."""
