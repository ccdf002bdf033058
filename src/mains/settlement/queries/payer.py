"""The agent itself as its bank knows it: who pays the orders, from which account."""

from dataclasses import dataclass

from django.db import connection

from mains.kernel.errors import MainsError

_PAYER = """
    SELECT p.name, p.bank_account, p.bank_code, p.tax_number, p.bank_name, p.correspondent_account
    FROM customers_party p
    WHERE CASE WHEN %(code)s <> '' THEN p.code = %(code)s ELSE
        p.kind = 'utility'
        OR p.code = (SELECT code FROM staff_organisation WHERE kind = 'utility' ORDER BY id LIMIT 1) END
    ORDER BY p.kind = 'utility' DESC, p.id LIMIT 1
"""


class UnableToFindPayer(MainsError):
    """No party stands for the utility itself, or it has no account at a bank."""


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Name, account and the code of the bank (BIC, or BIK with a Russian account), and what national forms ask for."""

    name: str
    account: str
    bank_code: str
    tax_number: str
    bank_name: str
    correspondent_account: str


def get_payer(*, code: str = "") -> Payer:
    """The party of that code, else the one of kind utility, else the one with the code of the utility's organisation.

    Raises UnableToFindPayer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PAYER, {"code": code})
        found = cursor.fetchone()
    if found is None or not found[1]:
        raise UnableToFindPayer(
            code="payer",
            message="The account from which the utility pays is not known.",
            place=f"party {code}".strip(),
            remedy="Give the utility's own party, or name one, that has a bank account in the registry.",
        )
    return Payer(
        name=found[0],
        account=found[1].replace(" ", ""),
        bank_code=found[2].replace(" ", ""),
        tax_number=found[3],
        bank_name=found[4],
        correspondent_account=found[5],
    )
