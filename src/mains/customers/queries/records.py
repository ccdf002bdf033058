"""Accounts as people read them. Every function is limited to a scope; what lies outside it is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import Scope


@dataclass(frozen=True)
class AccountRecord:
    """An account with its customer, its unit and the officer who answers for it on the asked date."""

    id: int
    number: str
    opened_on: date
    closed_on: date | None
    cycle: str
    organisation_id: int
    organisation_name: str
    customer_id: int
    customer_kind: str
    customer_name: str
    tax_number: str
    phone: str
    email: str
    language: str
    officer_id: int | None
    officer_name: str
    officer_phone: str


@dataclass(frozen=True)
class ErasureRecord:
    """Fields of a customer that were emptied, why, what was kept, when and by whom."""

    fields: list[str]
    reason: str
    kept: list[str]
    erased_at: datetime
    erased_by: str


@dataclass(frozen=True)
class AgreementRecord:
    """Who pays for what, over [valid_from, valid_to); the address and the parties by name."""

    id: int
    account_id: int
    service_point_id: int
    service_point_code: str
    service: str
    premise_id: int
    node_id: int
    city: str
    street: str
    house: str
    flat: str
    tariff_code: str
    tariff_name: str
    currency: str
    provider_name: str
    manager_name: str
    category: str
    load_class: str
    contract_number: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime

    @property
    def address(self) -> str:
        """Street, house, flat, city, as much as is known."""
        return ", ".join(part for part in (self.street, self.house, self.flat, self.city) if part)


@dataclass(frozen=True)
class OfficerRecord:
    """A field officer's time with an account, [valid_from, valid_to)."""

    name: str
    phone: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class AccountLine:
    """An account as a line of a list; `balance_minor` is positive when the customer owes."""

    id: int
    number: str
    customer_name: str
    organisation_id: int
    organisation_name: str
    street: str
    house: str
    flat: str
    city: str
    tariff_code: str
    tariff_name: str
    currency: str
    officer_name: str
    balance_minor: int
    is_closed: bool

    @property
    def address(self) -> str:
        """Street, house, flat, city, as much as is known."""
        return ", ".join(part for part in (self.street, self.house, self.flat, self.city) if part)


@dataclass(frozen=True)
class AccountFilter:
    """What a list of accounts is narrowed to; empty fields do not narrow. `balance` is owes, credit or settled."""

    organisation_ids: frozenset[int] | None = None
    balance: str = ""
    tariff_code: str = ""
    is_unmapped: bool = False


NAME_OF_USER = "coalesce(nullif(trim({u}.first_name || ' ' || {u}.last_name), ''), {u}.username, '')"
WITHIN = "(%(everything)s OR {a}.organisation_id = ANY(%(reached)s))"

ACCOUNT = f"""
SELECT a.id, a.number, a.opened_on, a.closed_on, a.cycle, a.organisation_id, o.name,
       c.id, c.kind, mains_name(c.name), mains_contact(c.tax_number), mains_contact(c.phone),
       mains_contact(c.email), c.language,
       u.id, {NAME_OF_USER.format(u="u")}, coalesce(u.phone, '')
FROM customers_account a
JOIN customers_customer c ON c.id = a.customer_id
JOIN staff_organisation o ON o.id = a.organisation_id
LEFT JOIN customers_responsibility r
    ON r.account_id = a.id AND r.superseded_at IS NULL AND r.valid @> %(on_date)s::date
LEFT JOIN staff_user u ON u.id = r.officer_id
WHERE a.number = %(number)s AND {WITHIN.format(a="a")}
"""

AGREEMENTS = """
SELECT g.id, g.account_id, s.id, s.code, s.service, p.id, s.node_id, b.city, b.street, b.house, p.flat,
       t.code, t.name, t.currency, v.name, coalesce(m.name, ''), g.category, g.load_class, g.contract_number,
       lower(g.valid), upper(g.valid), g.recorded_at
FROM customers_agreement g
JOIN network_servicepoint s ON s.id = g.service_point_id
JOIN network_premise p ON p.id = s.premise_id
JOIN network_building b ON b.id = p.building_id
JOIN tariffs_tariff t ON t.id = g.tariff_id
JOIN customers_party v ON v.id = g.provider_id
LEFT JOIN customers_party m ON m.id = g.manager_id
WHERE g.superseded_at IS NULL AND {where}
ORDER BY lower(g.valid) DESC, g.id
"""


def scope_params(scope: Scope) -> dict[str, Any]:
    """Parameters of the WITHIN condition."""
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}


def find_account(*, number: str, scope: Scope, on_date: date) -> AccountRecord | None:
    """The account of that number, or None when there is none within the scope."""
    return fetch_row(AccountRecord, ACCOUNT, {"number": number, "on_date": on_date} | scope_params(scope))


def list_account_ids_of_customer(*, customer_id: int) -> list[int]:
    """The customer's accounts, closed ones too."""
    return fetch_rows(
        int, "SELECT id FROM customers_account WHERE customer_id = %(id)s ORDER BY id", {"id": customer_id}
    )


def list_erasures(*, customer_id: int) -> list[ErasureRecord]:
    """What was erased of a customer, the latest first."""
    statement = f"""
        SELECT e.fields, e.reason, e.kept, e.erased_at, {NAME_OF_USER.format(u="u")}
        FROM customers_erasure e LEFT JOIN staff_user u ON u.id = e.erased_by_id
        WHERE e.customer_id = %(id)s ORDER BY e.id DESC
    """
    return fetch_rows(ErasureRecord, statement, {"id": customer_id})


def account_numbers(*, account_ids: list[int], scope: Scope) -> dict[int, tuple[str, str]]:
    """Number and customer's name by account id, for those within the scope."""
    statement = f"""
        SELECT a.id, a.number, mains_name(c.name)
        FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id
        WHERE a.id = ANY(%(ids)s) AND {WITHIN.format(a="a")}
    """
    rows = fetch_rows(_numbered, statement, {"ids": account_ids} | scope_params(scope))
    return dict(rows)


def _numbered(account_id: int, number: str, name: str) -> tuple[int, tuple[str, str]]:
    return account_id, (number, name)


def list_agreements(*, account: AccountRecord) -> list[AgreementRecord]:
    """The account's agreements as believed now, latest first."""
    return fetch_rows(AgreementRecord, AGREEMENTS.format(where="g.account_id = %(id)s"), {"id": account.id})


def list_payers(*, service_point_ids: list[int], scope: Scope) -> list[tuple[AgreementRecord, str, str]]:
    """Everyone who ever paid for the points, latest first: the agreement, account number and customer's name."""
    rows = fetch_rows(
        AgreementRecord,
        AGREEMENTS.format(where="g.service_point_id = ANY(%(ids)s)"),
        {"ids": service_point_ids},
    )
    names = account_numbers(account_ids=sorted({row.account_id for row in rows}), scope=scope)
    return [(row, *names[row.account_id]) for row in rows if row.account_id in names]


def list_officers(*, account: AccountRecord) -> list[OfficerRecord]:
    """The field officers of the account, latest first."""
    statement = f"""
        SELECT {NAME_OF_USER.format(u="u")}, u.phone, lower(r.valid), upper(r.valid)
        FROM customers_responsibility r JOIN staff_user u ON u.id = r.officer_id
        WHERE r.account_id = %(id)s AND r.superseded_at IS NULL ORDER BY lower(r.valid) DESC
    """
    return fetch_rows(OfficerRecord, statement, {"id": account.id})


LIST = """
SELECT a.id, a.number, mains_name(c.name), a.organisation_id, o.name,
       coalesce(d.street, ''), coalesce(d.house, ''), coalesce(d.flat, ''), coalesce(d.city, ''),
       coalesce(d.code, ''), coalesce(d.tariff, ''), coalesce(d.currency, ''), coalesce(d.officer, ''), money.balance,
       a.closed_on IS NOT NULL
FROM customers_account a
JOIN customers_customer c ON c.id = a.customer_id
JOIN staff_organisation o ON o.id = a.organisation_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.amount_minor), 0)::bigint AS balance FROM ledger_entry e WHERE e.account_id = a.id
) money
LEFT JOIN LATERAL (
    SELECT b.street, b.house, p.flat, b.city, t.code, t.name AS tariff, t.currency, {officer} AS officer
    FROM customers_agreement g
    JOIN network_servicepoint s ON s.id = g.service_point_id
    JOIN network_premise p ON p.id = s.premise_id
    JOIN network_building b ON b.id = p.building_id
    JOIN tariffs_tariff t ON t.id = g.tariff_id
    LEFT JOIN customers_responsibility r
        ON r.account_id = a.id AND r.superseded_at IS NULL AND r.valid @> %(on_date)s::date
    LEFT JOIN staff_user u ON u.id = r.officer_id
    WHERE g.account_id = a.id AND g.superseded_at IS NULL
    ORDER BY lower(g.valid) DESC LIMIT 1
) d ON TRUE
WHERE {where}
ORDER BY a.number {direction}
LIMIT %(limit)s
"""

BALANCES = {"owes": "money.balance > 0", "credit": "money.balance < 0", "settled": "money.balance = 0"}
UNMAPPED = """
    a.closed_on IS NULL AND NOT EXISTS (
        SELECT FROM customers_responsibility q
        WHERE q.account_id = a.id AND q.superseded_at IS NULL AND q.valid @> %(on_date)s::date)
"""
ON_TARIFF = """
    EXISTS (SELECT FROM customers_agreement k JOIN tariffs_tariff l ON l.id = k.tariff_id
            WHERE k.account_id = a.id AND k.superseded_at IS NULL AND k.valid @> %(on_date)s::date
            AND l.code = %(tariff)s)
"""


def list_accounts(
    *, scope: Scope, chosen: AccountFilter, on_date: date, after: str = "", before: str = "", limit: int = 50
) -> list[AccountLine]:
    """A page of accounts by number: those after one number, or the last ones before another."""
    conditions = [WITHIN.format(a="a")]
    if chosen.organisation_ids is not None:
        conditions.append("a.organisation_id = ANY(%(chosen)s)")
    if chosen.balance in BALANCES:
        conditions.append(BALANCES[chosen.balance])
    if chosen.tariff_code:
        conditions.append(ON_TARIFF)
    if chosen.is_unmapped:
        conditions.append(UNMAPPED)
    if after:
        conditions.append("a.number > %(after)s")
    if before:
        conditions.append("a.number < %(before)s")
    statement = LIST.format(
        where=" AND ".join(conditions),
        direction="DESC" if before else "ASC",
        officer=NAME_OF_USER.format(u="u"),
    )
    params = scope_params(scope) | {
        "chosen": sorted(chosen.organisation_ids or ()),
        "tariff": chosen.tariff_code,
        "on_date": on_date,
        "after": after,
        "before": before,
        "limit": limit,
    }
    lines = fetch_rows(AccountLine, statement, params)
    return lines[::-1] if before else lines


def count_accounts(*, scope: Scope) -> int:
    """Open accounts within the scope."""
    statement = (
        f"SELECT count(*) FROM customers_account a WHERE a.closed_on IS NULL AND {WITHIN.format(a='a')}"
    )
    return fetch_rows(int, statement, scope_params(scope))[0]


def count_accounts_of_cycle(*, cycle: str) -> int:
    """Open accounts that are billed in a cycle, of the whole utility."""
    statement = "SELECT count(*) FROM customers_account WHERE closed_on IS NULL AND cycle = %(cycle)s"
    return fetch_rows(int, statement, {"cycle": cycle})[0]


def count_unmapped(*, scope: Scope, on_date: date) -> int:
    """Open accounts without a responsible officer on the date."""
    statement = f"SELECT count(*) FROM customers_account a WHERE {WITHIN.format(a='a')} AND {UNMAPPED}"
    return fetch_rows(int, statement, {"on_date": on_date} | scope_params(scope))[0]


def points_within(*, service_point_ids: Sequence[int], scope: Scope) -> frozenset[int]:
    """Those of the service points for which an account of the scope ever paid."""
    statement = f"""
        SELECT DISTINCT g.service_point_id FROM customers_agreement g JOIN customers_account a ON a.id = g.account_id
        WHERE g.service_point_id = ANY(%(ids)s) AND g.superseded_at IS NULL AND {WITHIN.format(a="a")}
    """
    return frozenset(fetch_rows(int, statement, {"ids": list(service_point_ids)} | scope_params(scope)))


def find_account_id(*, number: str) -> int | None:
    """The account of a number, for files that name it."""
    return fetch_row(int, "SELECT id FROM customers_account WHERE number = %(number)s", {"number": number})


def find_party_id(*, code: str) -> int | None:
    """The id of the supplier, managing company or bank of that code."""
    rows = fetch_rows(int, "SELECT id FROM customers_party WHERE code = %(code)s", {"code": code})
    return rows[0] if rows else None


def codes_of_parties() -> dict[int, str]:
    """The code of every supplier, managing company and bank by id."""
    return dict(fetch_rows(_coded, "SELECT id, code FROM customers_party", {}))


def _coded(party_id: int, code: str) -> tuple[int, str]:
    return party_id, code


def count_agreements_by_tariff(*, scope: Scope, on_date: date) -> dict[str, int]:
    """Agreements in force on the date within the scope, by code of the tariff."""
    statement = f"""
        SELECT t.code, count(*) FROM customers_agreement g JOIN tariffs_tariff t ON t.id = g.tariff_id
        JOIN customers_account a ON a.id = g.account_id
        WHERE g.superseded_at IS NULL AND g.valid @> %(on_date)s::date AND {WITHIN.format(a="a")}
        GROUP BY t.code
    """
    return dict(fetch_rows(_counted, statement, {"on_date": on_date} | scope_params(scope)))


def _counted(code: str, count: int) -> tuple[str, int]:
    return code, count
