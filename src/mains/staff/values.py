"""Roles' permissions, kinds of organisation and the scope that limits every query."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


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
    ADMINISTER = "administer", _("Administer people and settings")


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


@dataclass(frozen=True)
class Scope:
    """The organisations whose data a person may see; `organisation_ids` None means the whole utility."""

    organisation_ids: frozenset[int] | None
    permissions: frozenset[str]

    def covers(self, organisation_id: int) -> bool:
        return self.organisation_ids is None or organisation_id in self.organisation_ids

    def may(self, permission: str) -> bool:
        return permission in self.permissions


EVERYTHING = Scope(organisation_ids=None, permissions=frozenset(Permission.values))
