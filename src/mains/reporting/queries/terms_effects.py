"""What a change of contracts or rules would touch, before it is asked for: counts and sums that are cheap to have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mains.base.rows import fetch_row
from mains.debt.values import TermsKind


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How many things the change touches, and their sum in minor units."""

    count: int
    amount_minor: int


# Payments of the route's dates whose split the next splitting would look at again.
_SPLITS = """
    SELECT count(DISTINCT s.credit_id), coalesce(sum(s.amount_minor), 0)::bigint
    FROM settlement_split s JOIN settlement_route r ON r.id = s.route_id
    JOIN customers_party p ON p.id = r.provider_id LEFT JOIN customers_party m ON m.id = r.manager_id
    WHERE p.code = %(provider)s AND coalesce(m.code, '') = %(manager)s AND r.service = %(service)s
      AND s.business_date >= %(first)s AND s.business_date < coalesce(%(last)s, 'infinity'::date)
"""
# Orders prepared or approved keep the account that they were prepared with.
_ORDERS = """
    SELECT count(*), coalesce(sum(o.amount_minor), 0)::bigint
    FROM settlement_paymentorder o JOIN customers_party p ON p.id = o.party_id
    WHERE p.code = %(party)s AND NOT EXISTS (
        SELECT FROM settlement_orderevent e WHERE e.order_id = o.id AND e.state IN ('refused', 'booked')
    )
"""
_OPEN_DEBTS = """
    WITH open AS (
        SELECT e.amount_minor - coalesce(c.minor, 0) AS minor, coalesce(e.due_date, e.business_date) AS due_date
        FROM ledger_entry e
        LEFT JOIN (SELECT item_id, sum(amount_minor) AS minor FROM ledger_allocation GROUP BY 1) c ON c.item_id = e.id
        WHERE e.amount_minor > coalesce(c.minor, 0) AND e.amount_minor > 0
          AND (%(service)s = '' OR e.service = %(service)s)
          AND coalesce(e.due_date, e.business_date) >= %(first)s
          AND coalesce(e.due_date, e.business_date) < coalesce(%(last)s, 'infinity'::date)
    )
    SELECT count(*), coalesce(sum(minor), 0)::bigint FROM open
    WHERE %(years)s = 0 OR due_date + make_interval(years => %(years)s) < %(today)s
"""
_POSTED_INTEREST = """
    SELECT count(DISTINCT l.item_id), coalesce(sum(l.amount_minor), 0)::bigint
    FROM debt_interestline l JOIN debt_interestterms t ON t.id = l.terms_id
    WHERE t.key_rate = %(code)s AND EXISTS (SELECT FROM debt_interestrun r WHERE r.until >= %(first)s)
"""
_PROPOSALS = """
    SELECT count(*), coalesce(sum(p.amount_minor), 0)::bigint FROM staff_proposal p
    WHERE p.kind = %(what)s AND p.amount_minor > %(amount_minor)s
      AND NOT EXISTS (SELECT FROM staff_decision d WHERE d.proposal_id = p.id)
"""


def effect_of(
    *, kind: TermsKind, content: Mapping[str, str], first: date, last: date | None, today: date
) -> Effect | None:
    """What stating `content` over [first, last) touches: payments to be split anew, orders that keep the old account,
    open debts that come under a rule (of limitation: those that are time-barred by it today), debts with interest at
    a rate, proposals above a limit. None where nothing is counted: targets, interest of one category."""
    asked = {name: str(value) for name, value in content.items()}
    params: dict[str, object] = {"years": 0, **asked, "first": first, "last": last, "today": today}
    if kind is TermsKind.CONTRACT:
        return _ask(_SPLITS, params)
    if kind is TermsKind.PAYEE:
        return _ask(_ORDERS, params)
    if kind is TermsKind.INTEREST and not asked["category"]:
        return _ask(_OPEN_DEBTS, params)
    if kind is TermsKind.LIMITATION:
        return _ask(_OPEN_DEBTS, params | {"years": int(asked["years"])})
    if kind is TermsKind.RATE:
        return _ask(_POSTED_INTEREST, params)
    if kind is TermsKind.LIMIT:
        return _ask(_PROPOSALS, params)
    return None


def _ask(statement: str, params: Mapping[str, object]) -> Effect | None:
    return fetch_row(_effect, statement, params)


def _effect(count: int, amount_minor: int) -> Effect:
    return Effect(count=count, amount_minor=amount_minor)
