"""The accounts that money is taken for, with what they owe now."""

from collections.abc import Sequence
from dataclasses import dataclass

from mains.base.rows import fetch_row, fetch_rows
from mains.billing.queries.numbers import accounts_of_bills
from mains.billing.values import UnableToReadBillNumber, parse_bill_number
from mains.customers.queries.records import WITHIN, scope_params
from mains.ledger.queries.current_account import balances_of
from mains.staff.values import Scope

_PAYERS = f"""
    SELECT DISTINCT ON (a.id) a.id, a.number, mains_name(c.name), b.city, b.street, b.house, p.flat
    FROM customers_account a
    JOIN customers_customer c ON c.id = a.customer_id
    LEFT JOIN customers_agreement g ON g.account_id = a.id AND g.superseded_at IS NULL
    LEFT JOIN network_servicepoint s ON s.id = g.service_point_id
    LEFT JOIN network_premise p ON p.id = s.premise_id
    LEFT JOIN network_building b ON b.id = p.building_id
    WHERE a.id = ANY(%(account_ids)s) AND {WITHIN.format(a="a")}
    ORDER BY a.id, upper(g.valid) DESC NULLS FIRST, g.id
"""
_BY_NUMBER = f"SELECT a.id FROM customers_account a WHERE a.number = %(number)s AND {WITHIN.format(a='a')}"


@dataclass(frozen=True, kw_only=True)
class Payer:
    """An account at the desk. `owed_minor` is its balance now: below nothing, it has money in credit."""

    account_id: int
    number: str
    customer: str
    place: str
    owed_minor: int

    @property
    def proposed_minor(self) -> int:
        """What the desk proposes to pay: all that is owed."""
        return max(0, self.owed_minor)

    @property
    def credit_minor(self) -> int:
        """What the account has in credit."""
        return max(0, -self.owed_minor)


def list_payers(*, account_ids: Sequence[int], scope: Scope) -> dict[int, Payer]:
    """The accounts of the scope among these, by id, with what they owe now."""
    rows = fetch_rows(lambda *row: row, _PAYERS, {"account_ids": list(account_ids), **scope_params(scope)})
    owed = balances_of(account_ids=[row[0] for row in rows])
    return {
        account_id: Payer(
            account_id=account_id,
            number=number,
            customer=customer,
            place=", ".join(part for part in (street, house, flat, city) if part),
            owed_minor=owed[account_id],
        )
        for account_id, number, customer, city, street, house, flat in rows
    }


def find_payer_id(*, number: str, scope: Scope) -> int | None:
    """The account of this number, if it lies in the scope."""
    return fetch_row(int, _BY_NUMBER, {"number": number, **scope_params(scope)})


def find_payer_of_bill(*, bill_number: str, scope: Scope) -> int | None:
    """The account of a bill, by the number that is printed on it, if it lies in the scope."""
    try:
        month, bill_id = parse_bill_number(bill_number)
    except UnableToReadBillNumber:
        return None
    bills = accounts_of_bills([bill_id])
    ids = [row["account_id"] for row in bills.iter_rows(named=True) if row["month"] == month]
    return next(iter(list_payers(account_ids=ids, scope=scope)), None)
