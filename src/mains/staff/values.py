"""Roles' permissions, kinds of organisation and the scope that limits every query."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

# NIST SP 800-63B: a password that stands alone has at least 15 characters, one with a second factor at least 8.
LONG_PASSWORD = 15
SHORT_PASSWORD = 8


class OrganisationKind(models.TextChoices):
    UTILITY = "utility", _("Utility")
    REGION = "region", _("Region")
    HUB = "hub", _("Business hub")
    BRANCH = "branch", _("Branch")
    CENTRE = "centre", _("Service centre")
    TEAM = "team", _("Team")


class Permission(models.TextChoices):
    """What a role may do; views, API operations and commands each name exactly one."""

    SEE_ACCOUNTS = "see_accounts", _("See accounts, meters and readings")
    SEE_MONEY = "see_money", _("See bills, payments and balances")
    RECORD_READINGS = "record_readings", _("Record and verify readings")
    RUN_BILLING = "run_billing", _("Prepare and post bill runs")
    IMPORT_PAYMENTS = "import_payments", _("Import and accept payment registers")
    TAKE_PAYMENTS = "take_payments", _("Take money at a cash desk")
    SUPERVISE_DESKS = "supervise_desks", _("See cash desks, agree to payments taken back")
    CLOSE_BOOKS = "close_books", _("Close days of the books, reopen them by two people")
    SETTLE = "settle", _("Settle with providers, approve payment orders that others prepared")
    PROPOSE_MONEY = "propose_money", _("Propose write-offs, refunds, transfers and provisions")
    APPROVE_MONEY = "approve_money", _("Approve what others proposed, up to the role's limit")
    SEE_REPORTS = "see_reports", _("See statements and reports")
    SEE_TARIFF_DRAFTS = "see_tariff_drafts", _("See drafts of tariffs and their test cases")
    DRAFT_TARIFFS = "draft_tariffs", _("Write, test and submit tariffs")
    PUBLISH_TARIFFS = "publish_tariffs", _("Publish or refuse tariffs that others submitted")
    SEE_NAMES = "see_names", _("See the names of customers")
    SEE_CONTACTS = "see_contacts", _("See phones, e-mail addresses and identity numbers")
    SEE_LOOKS = "see_looks", _("See who looked at a customer")
    HANDLE_PERSONAL_DATA = "handle_personal_data", _("Export and erase personal data")
    SEE_AUDIT = "see_audit", _("Read the audit log")
    ADMINISTER = "administer", _("Administer people and settings")


# What one person alone may not give to another: a second administrator agrees.
POWERFUL = frozenset(
    {
        Permission.ADMINISTER,
        Permission.APPROVE_MONEY,
        Permission.CLOSE_BOOKS,
        Permission.SETTLE,
        Permission.PUBLISH_TARIFFS,
        Permission.SUPERVISE_DESKS,
        Permission.HANDLE_PERSONAL_DATA,
    }
)

# The permissions as an administrator reads them: a group, and what each of its permissions means in a plain sentence.
PERMISSION_GROUPS = (
    (
        _("Customers and meters"),
        (
            (Permission.SEE_ACCOUNTS, _("Opens accounts, premises, meters, readings and the map.")),
            (Permission.SEE_NAMES, _("Reads the names of customers; without it they are masked everywhere.")),
            (
                Permission.SEE_CONTACTS,
                _(
                    "Reads phones, e-mail addresses and identity numbers; without it they are masked everywhere."
                ),
            ),
            (
                Permission.RECORD_READINGS,
                _("Takes readings, judges doubtful ones, records facts that change bills."),
            ),
        ),
    ),
    (
        _("Bills and tariffs"),
        (
            (Permission.SEE_MONEY, _("Opens bills, payments, debts and balances.")),
            (Permission.RUN_BILLING, _("Previews and posts the bills of a month, and sends invoices.")),
            (Permission.SEE_TARIFF_DRAFTS, _("Reads tariffs that are not in force yet.")),
            (
                Permission.DRAFT_TARIFFS,
                _("Writes tariffs and hands them in; cannot put them into force alone."),
            ),
            (
                Permission.PUBLISH_TARIFFS,
                _("Puts tariffs of others into force. Every customer's bill follows."),
            ),
        ),
    ),
    (
        _("Money"),
        (
            (Permission.IMPORT_PAYMENTS, _("Takes in files of banks and finds whose payments they are.")),
            (Permission.TAKE_PAYMENTS, _("Opens a shift at a cash desk and takes money.")),
            (
                Permission.SUPERVISE_DESKS,
                _("Sees the desks of others, agrees to payments taken back and to differences."),
            ),
            (
                Permission.PROPOSE_MONEY,
                _("Proposes what gives up or moves money; nothing is posted before another agrees."),
            ),
            (
                Permission.APPROVE_MONEY,
                _("Agrees to what others proposed, up to the limit of the role. Money moves."),
            ),
            (Permission.SETTLE, _("Settles with providers and approves payment orders of others.")),
            (
                Permission.CLOSE_BOOKS,
                _("Closes days of the books; with a second person opens them again."),
            ),
        ),
    ),
    (
        _("Reports"),
        ((Permission.SEE_REPORTS, _("Opens turnover, collection, losses and what-ifs, and exports them.")),),
    ),
    (
        _("Protection of data"),
        (
            (Permission.SEE_LOOKS, _("Reads who opened a customer's pages, when and from where.")),
            (
                Permission.HANDLE_PERSONAL_DATA,
                _("Hands a customer everything that is held about them, and erases what the law lets go."),
            ),
            (Permission.SEE_AUDIT, _("Reads who changed what, with the values before and after.")),
        ),
    ),
    (
        _("Administration"),
        (
            (
                Permission.ADMINISTER,
                _("Adds people, gives and takes roles in the own unit and below; never raises themselves."),
            ),
        ),
    ),
)


class ProposalKind(models.TextChoices):
    """What one person proposes and another approves."""

    REOPENING = "reopening", _("Reopening of days")
    WRITE_OFF = "write_off", _("Write-off")
    REFUND = "refund", _("Refund")
    TRANSFER = "transfer", _("Transfer between accounts")
    OFFSET = "offset", _("Offset between services")
    PROVISION = "provision", _("Provision for doubtful debts")
    INSTALMENT_PLAN = "instalment_plan", _("Instalment plan")
    COLLECTION = "collection", _("Direct debits")
    RIGHTS = "rights", _("Rights")


class RightsChangeKind(models.TextChoices):
    """What is changed about who may do what."""

    GRANT = "grant", _("Role given")
    END = "end", _("Role ended")
    ROLE = "role", _("Permissions of a role")
    SUSPENSION = "suspension", _("Person suspended")
    RETURN = "return", _("Person back")
    PASSWORD = "password", _("Link to set a password")
    FACTORS = "factors", _("Second factors forgotten")


@dataclass(frozen=True)
class Scope:
    """The organisations whose data a person may see; `organisation_ids` None means the whole utility."""

    organisation_ids: frozenset[int] | None
    permissions: frozenset[str]

    def covers(self, organisation_id: int) -> bool:
        return self.organisation_ids is None or organisation_id in self.organisation_ids

    def contains(self, other: "Scope") -> bool:
        """Whether it reaches every organisation that the other reaches."""
        if self.organisation_ids is None:
            return True
        return other.organisation_ids is not None and other.organisation_ids <= self.organisation_ids

    def may(self, permission: str) -> bool:
        return permission in self.permissions


EVERYTHING = Scope(organisation_ids=None, permissions=frozenset(Permission.values))
