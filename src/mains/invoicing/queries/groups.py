"""Groups of accounts that are invoiced together."""

from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_row, fetch_rows
from mains.staff.values import EVERYTHING, Scope


@dataclass(frozen=True)
class GroupRecord:
    """A group with its payer; `members` counts the accounts that are in it today or later."""

    id: int
    code: str
    name: str
    customer_id: int
    customer_name: str
    language: str
    organisation_id: int
    members: int


@dataclass(frozen=True)
class MemberRecord:
    """An account in a group."""

    account_id: int
    number: str
    customer_name: str
    valid_from: date
    valid_to: date | None


_GROUP = """
SELECT g.id, g.code, g.name, g.customer_id, mains_name(c.name), c.language, g.organisation_id,
       (SELECT count(*) FROM invoicing_groupmember m
        WHERE m.group_id = g.id AND m.superseded_at IS NULL AND upper_inf(m.valid))
FROM invoicing_invoicegroup g JOIN customers_customer c ON c.id = g.customer_id
WHERE (%(everything)s OR g.organisation_id = ANY(%(reached)s))
"""


def scope_params(scope: Scope) -> dict[str, object]:
    """Parameters of the conditions on organisations."""
    return {"everything": scope.organisation_ids is None, "reached": sorted(scope.organisation_ids or ())}


def list_groups(*, scope: Scope) -> list[GroupRecord]:
    """Groups by code."""
    return fetch_rows(GroupRecord, f"{_GROUP} ORDER BY g.code", scope_params(scope))


def find_group(*, code: str, scope: Scope) -> GroupRecord | None:
    """The group of a code, within the scope."""
    return fetch_row(GroupRecord, f"{_GROUP} AND g.code = %(code)s", scope_params(scope) | {"code": code})


def get_group(*, group_id: int) -> GroupRecord:
    """A group that is known to be there."""
    found = fetch_row(GroupRecord, f"{_GROUP} AND g.id = %(id)s", scope_params(EVERYTHING) | {"id": group_id})
    assert found is not None, "Groups are never deleted."
    return found


def list_members(*, group_id: int) -> list[MemberRecord]:
    """The group's accounts, also those of other times, by number."""
    return fetch_rows(
        MemberRecord,
        """
        SELECT m.account_id, a.number, mains_name(c.name), lower(m.valid), upper(m.valid)
        FROM invoicing_groupmember m JOIN customers_account a ON a.id = m.account_id
        JOIN customers_customer c ON c.id = a.customer_id
        WHERE m.group_id = %(group)s AND m.superseded_at IS NULL ORDER BY a.number, m.valid
        """,
        {"group": group_id},
    )
