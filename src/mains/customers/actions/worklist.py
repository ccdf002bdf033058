"""What people decide on one account at a time from a list of work."""

from datetime import date, datetime

from django.db import models

from mains.customers.actions.registry import assign_officer
from mains.customers.models import Account, Responsibility
from mains.staff.values import Scope


def give_account_to_officer(
    *,
    number: str,
    scope: Scope,
    officer_id: int,
    valid_from: date,
    actor: models.Model | None,
    now: datetime,
) -> Responsibility | None:
    """Make an officer answer for the account of that number from a day on; None when it lies outside the scope.

    Raises UnableToAssignOfficer, UnableToRecordFact.
    """
    account = Account.objects.filter(number=number).first()
    if account is None or not scope.covers(account.organisation_id):
        return None
    return assign_officer(account=account, officer_id=officer_id, valid_from=valid_from, actor=actor, now=now)
