"""Words of the ledger: control accounts and kinds of entry."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Control(models.TextChoices):
    """Control accounts. Debits are positive, credits negative."""

    RECEIVABLE = "receivable", _("Customers' receivables")
    REVENUE = "revenue", _("Revenue")
    TAX = "tax", _("Tax payable")
    BANK = "bank", _("Bank")
    SUSPENSE = "suspense", _("Unidentified receipts")
    OPENING = "opening", _("Balances brought forward")


class EntryKind(models.TextChoices):
    """What changed a customer's balance."""

    OPENING = "opening", _("Opening balance")
    BILL = "bill", _("Bill")
    PAYMENT = "payment", _("Payment")


class TransactionKind(models.TextChoices):
    OPENING = "opening", _("Opening balances")
    BILL_RUN = "bill_run", _("Bill run")
    PAYMENT_REGISTER = "payment_register", _("Payment register")
    SUSPENSE_CLEARED = "suspense_cleared", _("Receipt identified")
