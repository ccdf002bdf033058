"""The utility's accounts at banks."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from mains.kernel.errors import MainsError
from mains.payments.models import BankAccount


class UnableToAddBankAccount(MainsError):
    """The number is empty or known already."""


def add_bank_account(
    *, number: str, title: str, currency: str, register_senders: Sequence[str] = ()
) -> BankAccount:
    """Add an account at a bank. Registers of `register_senders` arrive on it in one sum.

    Raises UnableToAddBankAccount when the number is empty or there is such an account.
    """
    cleaned = "".join(number.split()).upper()
    try:
        with transaction.atomic():
            if not 4 <= len(cleaned) <= 40:
                raise _refusal(number, "An account number has 4 to 40 characters.")
            return BankAccount.objects.create(
                number=cleaned,
                title=title.strip()[:120],
                currency=currency.strip().upper(),
                register_senders=list(register_senders),
            )
    except IntegrityError as error:
        raise _refusal(number, "There is such an account already.") from error


def _refusal(number: str, message: str) -> UnableToAddBankAccount:
    return UnableToAddBankAccount(
        code="bank-account",
        message=message,
        place=f"bank account {number}",
        remedy="See `mains bank accounts`.",
    )
