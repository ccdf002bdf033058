"""Opening balances: what is carried into a month by something else than a bill of Mains."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from mains.base.dated import withdraw_fact
from mains.base.staged_rows import Field, StagedRows, day, import_rows, reference, signed_micro
from mains.billing.models import OpeningBalance, OpeningBalanceWithdrawal
from mains.billing.queries.openings import DeclaredBalance, list_declared_balances
from mains.customers.queries.records import find_account_id
from mains.kernel.errors import MainsError
from mains.network.queries.points import find_point_id

_VALUE_MICRO_BELOW = 10**15
_PROOF_LENGTH_MAX = 200
_CLASHES = "Somebody else recorded it at the same moment."


class UnableToRecordOpening(MainsError):
    """The account's tariff has no such balance in the month, or the value is not one of it."""


@transaction.atomic
def record_opening_balance(
    *,
    account_id: int,
    service_point_id: int,
    balance: str,
    month: date,
    value_micro: int | None,
    actor: models.Model | None,
    now: datetime,
    proof: str,
) -> OpeningBalance | None:
    """Let the account's first bill of the month for the service point open with so much, in micro-units of the
    balance's unit; without a value, what was recorded is withdrawn. The same again changes nothing.

    It goes before what the last bill left. Bills that were made already are corrected by the next run or
    recalculation. Raises UnableToRecordOpening.
    """
    place = f"service point {service_point_id}, {month:%Y-%m}"
    declared = _declared(account_id, service_point_id, balance, month, now, place)
    _check(declared, value_micro, proof, place)
    subject = {
        "account_id": account_id,
        "service_point_id": service_point_id,
        "balance": balance,
        "month": month,
    }
    present = OpeningBalance.objects.select_for_update().filter(superseded_at=None, **subject).first()
    if present is not None:
        if (present.value_micro, present.unit) == (value_micro, declared.unit):
            return present
        OpeningBalance.objects.filter(pk=present.pk).update(superseded_at=now)
    if value_micro is None:
        return None
    try:
        with transaction.atomic():
            return OpeningBalance.objects.create(
                **subject,
                unit=declared.unit,
                value_micro=value_micro,
                recorded_at=now,
                recorded_by_id=actor.pk if actor else None,
                proof=proof,
            )
    except IntegrityError as error:
        raise _unable(
            "opening-collision", _CLASHES, place, "Look at what is recorded now.", "balance"
        ) from error


def withdraw_opening_balance(
    *, opening_id: int, reason: str, actor: models.Model | None, now: datetime
) -> OpeningBalance:
    """Stop believing an opening balance; who said so and why is kept. Bills that were made are corrected by the next
    run or recalculation. Raises UnableToWithdrawFact."""
    return withdraw_fact(
        model=OpeningBalance,
        fact_id=opening_id,
        withdrawal=OpeningBalanceWithdrawal,
        reason=reason,
        actor=actor,
        now=now,
    )


def import_openings(
    *, content: bytes, actor: models.Model | None, now: datetime, proof: str, is_trial: bool = False
) -> StagedRows:
    """Record the opening balances of a CSV file: account, service_point, balance, month (its first day), value; an
    empty value withdraws what was recorded."""
    fields = (
        Field("account", reference(lambda number: find_account_id(number=number), name="account")),
        Field("service_point", reference(lambda code: find_point_id(code=code), name="service point")),
        Field("balance"),
        Field("month", day),
        Field("value", signed_micro, is_needed=False),
    )

    def write(row: Mapping[str, Any]) -> None:
        record_opening_balance(
            account_id=row["account"],
            service_point_id=row["service_point"],
            balance=row["balance"],
            month=row["month"],
            value_micro=row["value"],
            actor=actor,
            now=now,
            proof=proof,
        )

    return import_rows(content=content, fields=fields, write=write, is_trial=is_trial)


def _declared(
    account_id: int, service_point_id: int, balance: str, month: date, now: datetime, place: str
) -> DeclaredBalance:
    if month.day != 1:
        raise _unable(
            "opening-inside-month", f"{month} is not the first day of a month.", place,
            "An opening balance is that of a month: write its first day.", "month",
        )  # fmt: skip
    declared = list_declared_balances(
        account_id=account_id, service_point_id=service_point_id, month=month, at=now
    )
    found = next((each for each in declared if each.name == balance), None)
    if found is None:
        known = ", ".join(each.name for each in declared) or "none"
        raise _unable(
            "opening-unknown", f"No tariff of the account carries a balance {balance} at this point.", place,
            f"Its balances: {known}. Sign the agreement first, or correct name or month.", "balance",
        )  # fmt: skip
    return found


def _check(declared: DeclaredBalance, value_micro: int | None, proof: str, place: str) -> None:
    if not proof.strip():
        raise _unable(
            "opening-without-proof", "An opening balance needs a proof.", place,
            "Name the statement or ruling that it comes from.", "proof",
        )  # fmt: skip
    if len(proof) > _PROOF_LENGTH_MAX:
        raise _unable(
            "opening-proof-long", "The proof is too long.", place,
            f"Name the document in at most {_PROOF_LENGTH_MAX} characters.", "proof",
        )  # fmt: skip
    if value_micro is not None and abs(value_micro) >= _VALUE_MICRO_BELOW:
        raise _unable(
            "opening-too-large", "The value is a thousand million or more.", place,
            "Correct the number.", "value",
        )  # fmt: skip
    if value_micro is not None and value_micro % declared.step_micro:
        raise _unable(
            "opening-not-a-coin", f"{declared.name} is kept in whole coins of {declared.unit}.", place,
            "Round it to the smallest coin.", "value",
        )  # fmt: skip


def _unable(code: str, message: str, place: str, remedy: str, field: str) -> UnableToRecordOpening:
    return UnableToRecordOpening(
        code=code, message=message, place=place, remedy=remedy, params={"field": field}
    )
