"""Record who collects and by which mandates; revoke, suspend and resume them."""

from datetime import date, datetime

from django.db import models, transaction
from stdnum import bic as bic_numbers
from stdnum import iban as iban_numbers
from stdnum.eu import at_02

from mains.base.dated import record_fact, withdraw_facts
from mains.directdebit.models import Creditor, Mandate, MandateEvent
from mains.directdebit.queries.mandates import find_creditor, list_mandates
from mains.directdebit.values import MandateEventKind, MandateUse, Scheme
from mains.kernel.errors import MainsError

_SEPA = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+?/-:().,'")
_IDENTIFIER_MAX, _NAME_MAX = 35, 70


class UnableToKeepMandate(MainsError):
    """Something of the mandate or the creditor is wrong; nothing was recorded."""


def state_creditor(
    *, number: int = 1, name: str, creditor_id: str, iban: str, bic: str = "", notice_days: int = 14,
    returns_limit: int = 3, valid_from: date, proof: str = "", actor: models.Model | None, now: datetime,
) -> Creditor:  # fmt: skip
    """State by which creditor identifier and to which account the utility collects, from a day on.

    Raises UnableToKeepMandate: check digits that do not fit, no name, days or returns below one.
    """
    place = f"creditor {number}"
    creditor_id = creditor_id.replace(" ", "").upper()
    if not at_02.is_valid(creditor_id):
        raise _refusal(
            "creditor-id",
            "{creditor_id} is not a SEPA creditor identifier: its check digits do not fit.",
            place,
            "Copy it from the central bank's letter.",
            creditor_id=creditor_id,
        )
    if not (1 <= len(name.strip()) <= _NAME_MAX and 1 <= notice_days <= 60 and 1 <= returns_limit <= 20):
        raise _refusal(
            "creditor-terms",
            "A creditor has a name, 1 to 60 days of notice, and is patient for 1 to 20 returns.",
            place,
            "Correct what is out of these bounds.",
        )
    return record_fact(
        model=Creditor,
        subject={"number": number},
        values={
            "name": name.strip(),
            "creditor_id": creditor_id,
            "iban": _iban(iban, place),
            "bic": _bic(bic, place),
            "notice_days": notice_days,
            "returns_limit": returns_limit,
        },
        valid_from=valid_from,
        actor=actor,
        now=now,
        proof=proof,
    )


def record_mandate(
    *, account_id: int, identifier: str, signed_on: date, debtor_name: str, iban: str, bic: str = "",
    scheme: Scheme = Scheme.CORE, use: MandateUse = MandateUse.RECURRENT, creditor_number: int = 1,
    valid_from: date | None = None, proof: str = "", actor: models.Model | None, now: datetime,
) -> Mandate:  # fmt: skip
    """Record a mandate of an account from the day it was signed on, or from `valid_from` when the customer changed
    banks under the same mandate. It replaces what was believed of those days.

    Raises UnableToKeepMandate: an IBAN or BIC whose check digits do not fit, an identifier that is another account's,
    no creditor, signed after today or after it is valid.
    """
    place, identifier = f"mandate {identifier}", identifier.strip()
    first = valid_from or signed_on
    if not (1 <= len(identifier) <= _IDENTIFIER_MAX and set(identifier) <= _SEPA):
        raise _refusal(
            "mandate-identifier",
            "A mandate has an identifier of 1 to 35 Latin letters, digits and + ? / - : ( ) . , '.",
            place,
            "Copy it from the signed form.",
        )
    if signed_on > now.date() or first < signed_on:
        raise _refusal(
            "mandate-signed",
            "A mandate is signed today or earlier, and valid from then on at the earliest.",
            place,
            "Copy the day from the signed form.",
        )
    if not 1 <= len(debtor_name.strip()) <= _NAME_MAX:
        raise _refusal(
            "mandate-debtor",
            "The holder's name is missing or longer than 70 letters.",
            place,
            "Copy it from the signed form.",
        )
    if find_creditor(number=creditor_number, day=first) is None:
        raise _refusal(
            "creditor-unknown",
            "Nobody collects under this number on that day.",
            place,
            "State the creditor first: mains debit creditor.",
        )
    with transaction.atomic():
        others = Mandate.objects.filter(creditor_number=creditor_number, identifier=identifier)
        if others.exclude(account_id=account_id).exists():
            raise _refusal(
                "mandate-of-another",
                "This identifier belongs to a mandate of another account.",
                place,
                "Give each mandate an identifier of its own.",
            )
        return record_fact(
            model=Mandate,
            subject={"account_id": account_id},
            values={
                "creditor_number": creditor_number,
                "identifier": identifier,
                "signed_on": signed_on,
                "debtor_name": debtor_name.strip(),
                "iban": _iban(iban, place),
                "bic": _bic(bic, place),
                "scheme": scheme,
                "use": use,
            },
            valid_from=first,
            actor=actor,
            now=now,
            proof=proof,
        )


def revoke_mandate(*, account_id: int, revoked_on: date, now: datetime) -> int:
    """End what is believed of an account's mandates on a day: from then on nothing is collected; how many facts ended.
    Raises UnableToKeepMandate when there is none."""
    with transaction.atomic():
        ended = withdraw_facts(
            model=Mandate, subject={"account_id": account_id}, valid_from=revoked_on, now=now
        )
        if not ended:
            raise _refusal(
                "mandate-none",
                "There is no mandate to revoke on this day.",
                f"account {account_id}",
                "Look at the mandates of the account.",
            )
        return ended


def resume_mandate(*, mandate_id: int, reason: str, now: datetime, actor_id: int | None) -> MandateEvent:
    """Let a suspended mandate collect again. Raises UnableToKeepMandate: it is not suspended, or no reason."""
    with transaction.atomic():
        mandate = (
            Mandate.objects.select_for_update().filter(pk=mandate_id, superseded_at__isnull=True).first()
        )
        known = list_mandates(account_id=mandate.account_id) if mandate else []
        if mandate is None or not any(one.id == mandate_id and one.is_suspended for one in known):
            raise _refusal(
                "mandate-not-suspended",
                "This mandate is not suspended.",
                f"mandate {mandate_id}",
                "Nothing was changed.",
            )
        return _note(mandate, MandateEventKind.RESUMED, reason, now=now, actor_id=actor_id)


def suspend_mandate(
    *, mandate_id: int, reason: str, now: datetime, actor_id: int | None = None
) -> MandateEvent:
    """Collect nothing by a mandate until a person resumes it. Raises UnableToKeepMandate without a reason."""
    mandate = Mandate.objects.get(pk=mandate_id)
    return _note(mandate, MandateEventKind.SUSPENDED, reason, now=now, actor_id=actor_id)


def _note(
    mandate: Mandate, kind: MandateEventKind, reason: str, *, now: datetime, actor_id: int | None
) -> MandateEvent:
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= 200:
        raise _refusal(
            "mandate-reason",
            "This needs a reason, of at most 200 characters.",
            f"mandate {mandate.identifier}",
            "Say why.",
        )
    return MandateEvent.objects.create(
        creditor_number=mandate.creditor_number,
        identifier=mandate.identifier,
        kind=kind,
        reason=reason,
        recorded_at=now,
        recorded_by_id=actor_id,
    )


def _iban(text: str, place: str) -> str:
    if not iban_numbers.is_valid(text):
        raise _refusal(
            "iban",
            "{iban} is not an IBAN: its check digits or its length do not fit.",
            place,
            "Copy it again.",
            iban=text[:40],
        )
    return str(iban_numbers.compact(text))


def _bic(text: str, place: str) -> str:
    if text and not bic_numbers.is_valid(text):
        raise _refusal("bic", "{bic} is not a BIC.", place, "Copy it again, or leave it out.", bic=text[:20])
    return str(bic_numbers.compact(text)) if text else ""


def _refusal(code: str, message: str, place: str, remedy: str, **params: str) -> UnableToKeepMandate:
    return UnableToKeepMandate(
        code=code, message=message.format(**params), place=place, remedy=remedy, params=params
    )
