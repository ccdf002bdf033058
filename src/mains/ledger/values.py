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
    RETURNS = "returns", _("Money to return to payers")
    BANK_CHARGES = "bank_charges", _("Charges of banks")
    BANK_OTHER = "bank_other", _("Other movements at banks")
    COLLECTED = "collected", _("Collected for others")
    FEE = "fee", _("Agent's fees")
    PAYABLE = "payable", _("Owed to providers")
    TRANSIT = "transit", _("Payment orders at banks")


class AccountType(models.TextChoices):
    """Which statement an account of the chart belongs to, and which side increases it."""

    ASSET = "asset", _("Asset")
    LIABILITY = "liability", _("Liability")
    EQUITY = "equity", _("Equity")
    INCOME = "income", _("Income")
    EXPENSE = "expense", _("Expense")


TYPE_OF_CONTROL = {
    Control.RECEIVABLE: AccountType.ASSET,
    Control.BANK: AccountType.ASSET,
    Control.BANK_OTHER: AccountType.ASSET,
    Control.SUSPENSE: AccountType.LIABILITY,
    Control.RETURNS: AccountType.LIABILITY,
    Control.TAX: AccountType.LIABILITY,
    Control.OPENING: AccountType.EQUITY,
    Control.REVENUE: AccountType.INCOME,
    Control.BANK_CHARGES: AccountType.EXPENSE,
    # What is collected for others is no income: it stands against the revenue that their bills were posted to.
    Control.COLLECTED: AccountType.INCOME,
    Control.FEE: AccountType.INCOME,
    Control.PAYABLE: AccountType.LIABILITY,
    Control.TRANSIT: AccountType.LIABILITY,
}
CODE_OF_CONTROL = {
    Control.BANK: "1000",
    Control.BANK_OTHER: "1090",
    Control.RECEIVABLE: "1200",
    Control.SUSPENSE: "2100",
    Control.RETURNS: "2150",
    Control.TAX: "2200",
    Control.OPENING: "3000",
    Control.REVENUE: "4000",
    Control.BANK_CHARGES: "5000",
    Control.COLLECTED: "4900",
    Control.FEE: "4100",
    Control.PAYABLE: "2300",
    Control.TRANSIT: "2350",
}
"""The chart of a utility that has stated none of its own."""


class EntryKind(models.TextChoices):
    """What changed a customer's balance."""

    OPENING = "opening", _("Opening balance")
    BILL = "bill", _("Bill")
    PAYMENT = "payment", _("Payment")
    REVERSAL = "reversal", _("Payment taken back")


class PolicyRule(models.TextChoices):
    """Which debts of an account a payment covers first."""

    OLDEST_FIRST = "oldest_first", _("Oldest debt first")
    BY_SERVICE = "by_service", _("Service by service")
    PROPORTIONAL = "proportional", _("Services in proportion to what is owed")


class TransactionKind(models.TextChoices):
    OPENING = "opening", _("Opening balances")
    BILL_RUN = "bill_run", _("Bill run")
    PAYMENT_REGISTER = "payment_register", _("Payment register")
    SUSPENSE_CLEARED = "suspense_cleared", _("Receipt identified")
    RECEIPT_REVERSED = "receipt_reversed", _("Receipt taken back")
    BANK_OPENING = "bank_opening", _("Opening balance at a bank")
    BANK_STATEMENT = "bank_statement", _("Bank statement")
    BANK_LINE = "bank_line", _("Line of a bank statement")
    SETTLEMENT_SPLIT = "settlement_split", _("Payments split")
    PAYMENT_ORDER = "payment_order", _("Payment order")


class Book(models.TextChoices):
    """What a closing covers: money that moves, day by day, while the month's bills are still to come; or everything."""

    MONEY = "money", _("Receipts and payments")
    EVERYTHING = "everything", _("Everything")


class PeriodEventKind(models.TextChoices):
    """What happened to the days of the books: closed, or open again after one person asked and another agreed."""

    CLOSED = "closed", _("Closed")
    ASKED = "asked", _("Reopening asked for")
    REOPENED = "reopened", _("Reopened")
    REFUSED = "refused", _("Reopening refused")


class Age(models.TextChoices):
    """How long an open item is overdue; `credit` is customers' money that no item has used yet (negative)."""

    CREDIT = "credit", _("In credit")
    NOT_DUE = "not_due", _("Not yet due")
    DAYS_30 = "days_30", _("1–30 days overdue")
    DAYS_60 = "days_60", _("31–60 days overdue")
    DAYS_90 = "days_90", _("61–90 days overdue")
    DAYS_180 = "days_180", _("91–180 days overdue")
    DAYS_365 = "days_365", _("181–365 days overdue")
    OLDER = "older", _("More than a year overdue")


AGE_LIMITS_DAYS = {
    Age.NOT_DUE: 0,
    Age.DAYS_30: 30,
    Age.DAYS_60: 60,
    Age.DAYS_90: 90,
    Age.DAYS_180: 180,
    Age.DAYS_365: 365,
}
