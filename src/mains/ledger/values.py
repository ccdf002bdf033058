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
    CASH_DESK = "cash_desk", _("Cash in tills")
    SAFE = "cash_safe", _("Cash in safes")
    IN_TRANSIT = "in_transit", _("Cash on its way to banks")
    CARDS = "cards", _("Card payments due from acquirers")
    CASH_DIFFERENCES = "cash_differences", _("Cash short and over")
    PENALTY = "penalty", _("Late interest")
    PLAN_INTEREST = "plan_interest", _("Interest of instalment plans")
    ALLOWANCE = "allowance", _("Allowance for doubtful debts")
    BAD_DEBT = "bad_debt", _("Bad debts")
    REFUNDS = "refunds", _("Refunds to be paid")
    OFFSET = "offset", _("Offset between services and providers")
    CASH = "cash", _("Cash")
    AGENTS = "agents", _("Money due from agents, wallets and acquirers")
    ADVANCES = "advances", _("Advances of customers")
    ADVANCE_TAX = "advance_tax", _("VAT on advances that no bill has used")


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
    Control.CASH_DESK: AccountType.ASSET,
    Control.SAFE: AccountType.ASSET,
    Control.IN_TRANSIT: AccountType.ASSET,
    Control.CARDS: AccountType.ASSET,
    Control.CASH: AccountType.ASSET,
    Control.ALLOWANCE: AccountType.ASSET,
    Control.OFFSET: AccountType.ASSET,
    Control.REFUNDS: AccountType.LIABILITY,
    Control.AGENTS: AccountType.ASSET,
    Control.ADVANCE_TAX: AccountType.ASSET,
    Control.SUSPENSE: AccountType.LIABILITY,
    Control.RETURNS: AccountType.LIABILITY,
    Control.ADVANCES: AccountType.LIABILITY,
    Control.TAX: AccountType.LIABILITY,
    Control.OPENING: AccountType.EQUITY,
    Control.REVENUE: AccountType.INCOME,
    Control.PENALTY: AccountType.INCOME,
    Control.PLAN_INTEREST: AccountType.INCOME,
    Control.BAD_DEBT: AccountType.EXPENSE,
    Control.BANK_CHARGES: AccountType.EXPENSE,
    # What is collected for others is no income: it stands against the revenue that their bills were posted to.
    Control.COLLECTED: AccountType.INCOME,
    Control.FEE: AccountType.INCOME,
    Control.PAYABLE: AccountType.LIABILITY,
    Control.TRANSIT: AccountType.LIABILITY,
    Control.CASH_DIFFERENCES: AccountType.EXPENSE,
}
CODE_OF_CONTROL = {
    Control.BANK: "1000",
    Control.CASH_DESK: "1010",
    Control.SAFE: "1020",
    Control.IN_TRANSIT: "1030",
    Control.CARDS: "1040",
    Control.CASH: "1050",
    Control.AGENTS: "1060",
    Control.ADVANCE_TAX: "1070",
    Control.BANK_OTHER: "1090",
    Control.RECEIVABLE: "1200",
    Control.ALLOWANCE: "1290",
    Control.OFFSET: "1295",
    Control.SUSPENSE: "2100",
    Control.RETURNS: "2150",
    Control.REFUNDS: "2160",
    Control.ADVANCES: "2170",
    Control.TAX: "2200",
    Control.OPENING: "3000",
    Control.REVENUE: "4000",
    Control.PENALTY: "4100",
    Control.PLAN_INTEREST: "4150",
    Control.BANK_CHARGES: "5000",
    Control.COLLECTED: "4900",
    Control.FEE: "4200",
    Control.PAYABLE: "2300",
    Control.TRANSIT: "2350",
    Control.CASH_DIFFERENCES: "5100",
    Control.BAD_DEBT: "5200",
}
"""The chart of a utility that has stated none of its own."""


class EntryKind(models.TextChoices):
    """What changed a customer's balance."""

    OPENING = "opening", _("Opening balance")
    BILL = "bill", _("Bill")
    PAYMENT = "payment", _("Payment")
    REVERSAL = "reversal", _("Payment taken back")
    INTEREST = "interest", _("Late interest")
    PLAN_INTEREST = "plan_int", _("Interest of an instalment plan")
    WRITE_OFF = "write_off", _("Write-off")
    REFUND = "refund", _("Refund")
    TRANSFER = "transfer", _("Transfer between accounts")
    OFFSET = "offset", _("Offset between services")
    ADVANCE = "advance", _("Advance used")
    SHARED = "shared", _("Passed on to other payers")
    SHARE = "share", _("Share of another account's bill")


class PolicyRule(models.TextChoices):
    """Which debts of an account a payment covers first."""

    OLDEST_FIRST = "oldest_first", _("Oldest debt first")
    BY_SERVICE = "by_service", _("Service by service")
    PROPORTIONAL = "proportional", _("Services in proportion to what is owed")


class PenaltyOrder(models.TextChoices):
    """Whether a payment covers late interest before the debts that bore it."""

    BY_DATE = "by_date", _("Interest and principal by due date")
    PRINCIPAL_FIRST = "principal_first", _("Principal before interest")
    PENALTY_FIRST = "penalty_first", _("Interest before principal")


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
    DESK_PAYMENT = "desk_payment", _("Payment at a cash desk")
    CASH_MOVEMENT = "cash_movement", _("Movement of cash")
    DEPOSIT_ARRIVED = "deposit_arrived", _("Cash arrived at a bank")
    INTEREST = "interest", _("Late interest")
    PLAN_INTEREST = "plan_interest", _("Interest of an instalment plan")
    WRITE_OFF = "write_off", _("Write-off")
    REFUND = "refund", _("Refund")
    REFUND_PAID = "refund_paid", _("Refund paid in cash")
    TRANSFER = "transfer", _("Transfer between accounts")
    OFFSET = "offset", _("Offset between services")
    PROVISION = "provision", _("Provision for doubtful debts")
    COUNTER = "counter", _("Posted back")
    ONLINE_PAYMENT = "online_payment", _("Payment by machine")
    PAYOUT = "payout", _("Payout of an agent or acquirer")
    ADVANCE_RECEIVED = "advance_received", _("Advance received")
    ADVANCE_DRAWN = "advance_drawn", _("Advances used")
    ADVANCE_TAX = "advance_tax", _("VAT on advances")
    BILL_SHARED = "bill_shared", _("Bill shared among payers")


class AdvanceMovementKind(models.TextChoices):
    """What changed an advance: money came in, a bill used it, or it went back."""

    PAID = "paid", _("Paid in")
    DRAWN = "drawn", _("Used")
    RETURNED = "returned", _("Given back")


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


CHARGES = (EntryKind.BILL, EntryKind.INTEREST, EntryKind.PLAN_INTEREST, EntryKind.SHARE, EntryKind.SHARED)
CHARGING = (
    TransactionKind.BILL_RUN,
    TransactionKind.INTEREST,
    TransactionKind.PLAN_INTEREST,
    TransactionKind.BILL_SHARED,
)
"""What statements count as charged; what else changes a balance, opening balances apart, pays it."""
