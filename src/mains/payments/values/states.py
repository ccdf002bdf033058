"""States of registers and of lines of a bank statement, and the rules that match money to accounts."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RegisterStatus(models.TextChoices):
    """Of a register and of a bank's file alike."""

    STAGED = "staged", _("Checked, waits for acceptance")
    REFUSED = "refused", _("Refused")
    ACCEPTED = "accepted", _("Accepted")


class LineState(models.TextChoices):
    """What becomes of a line of a bank statement."""

    RECEIPT = "receipt", _("Payment of an account")
    SUSPENSE = "suspense", _("Payment of nobody known")
    REGISTER = "register", _("Sum of a payment register")
    DEPOSIT = "deposit", _("Cash that we handed in")
    BOOKED_BEFORE = "booked_before", _("Booked before")
    WAITING = "waiting", _("Waits for the accountant")
    PENDING = "pending", _("Only announced by the bank")


class MatchRule(models.TextChoices):
    """Why money is thought to belong to an account, strongest first."""

    COLLECTION = "collection", _("Direct debit that we ordered")
    INVOICE = "invoice", _("Number of an invoice")
    REFERENCE = "reference", _("Reference of the payment")
    ACCOUNT_NUMBER = "account_number", _("Account number in the text")
    BILL_NUMBER = "bill_number", _("Bill number in the text")
    PAYER_ACCOUNT = "payer_account", _("Payer's bank account, learned")
    PAYER_AND_AMOUNT = "payer_and_amount", _("Payer's name, learned, and amount of an open bill")
    PAYER_NAME = "payer_name", _("Payer's name, learned")
    AMOUNT_AND_NAME = "amount_and_name", _("Amount of an open bill and the customer's name")
    AMOUNT = "amount", _("Amount of an open bill")
    SEVERAL = "several", _("Several accounts are named")
    NONE = "", _("No rule matches")


class PayerKind(models.TextChoices):
    """By what a payer is known again."""

    ACCOUNT = "account", _("Bank account")
    NAME = "name", _("Name")


CONFIDENCE_PERCENT: dict[str, int] = {
    MatchRule.COLLECTION: 100,
    MatchRule.INVOICE: 95,
    MatchRule.REFERENCE: 100,
    MatchRule.ACCOUNT_NUMBER: 95,
    MatchRule.BILL_NUMBER: 95,
    MatchRule.PAYER_ACCOUNT: 90,
    MatchRule.PAYER_AND_AMOUNT: 85,
    MatchRule.PAYER_NAME: 60,
    MatchRule.AMOUNT_AND_NAME: 60,
    MatchRule.AMOUNT: 40,
    MatchRule.SEVERAL: 50,
    MatchRule.NONE: 0,
}
# From here on money is booked without a person; below it waits in suspense with proposals.
SURE_PERCENT = 85
TAKEN_BACK = "taken_back"
"""What a waiting line is booked as when the ledger has it already: a receipt that was taken back."""
