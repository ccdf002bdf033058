"""Money in suspense as people work on it: filtered, owned, aged, with proposals whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.db import connection

from mains.kernel.identifiers import has_valid_check_digit
from mains.ledger.queries.open_items import open_items
from mains.payments.values import MatchRule, PayerKind
from mains.payments.values.payers import payer_key
from mains.payments.values.states import CONFIDENCE_PERCENT
from mains.staff.values import Permission, Scope

MAX_PROPOSALS = 12
_MONTHS_OF_AMOUNT = 120  # days back in which an unpaid bill of the same amount is looked for
_ITEM = """
    SELECT c.id, c.paid_on, c.amount_minor, mains_name(c.payer), mains_contact(coalesce(t.payer_account, '')),
           c.reference,
           coalesce(nullif(t.remittance, ''), c.account_number), coalesce(r.file_name, f.file_name, h.title, ''),
           coalesce(t.rule, ''), coalesce(u.id, 0), coalesce(u.username, ''), c.bank_transaction_id
    FROM payments_receipt c
    LEFT JOIN payments_paymentregister r ON r.id = c.register_id
    LEFT JOIN payments_banktransaction t ON t.id = c.bank_transaction_id
    LEFT JOIN payments_bankstatement s ON s.id = t.statement_id
    LEFT JOIN payments_bankfile f ON f.id = s.file_id
    LEFT JOIN payments_paymentchannel h ON h.id = c.channel_id
    LEFT JOIN LATERAL (
        SELECT owner_id FROM payments_suspenseowner o WHERE o.receipt_id = c.id ORDER BY o.id DESC LIMIT 1
    ) o ON true
    LEFT JOIN staff_user u ON u.id = o.owner_id
    WHERE c.account_id IS NULL
      AND NOT EXISTS (SELECT FROM payments_receiptidentification i WHERE i.receipt_id = c.id)
"""
_FILTERS = """
      AND (%(text)s = '' OR lower(concat_ws(' ', mains_name(c.payer), t.remittance, c.account_number, c.reference,
                                            t.payer_account)) LIKE %(pattern)s)
      AND (%(latest)s::date IS NULL OR c.paid_on <= %(latest)s)
      AND (%(owner)s = '' OR (%(owner)s = 'none' AND u.id IS NULL) OR u.id::text = %(owner)s)
      AND c.amount_minor >= %(least)s AND c.id > %(after)s
    ORDER BY c.id LIMIT %(limit)s
"""
# Open bills of one amount, the latest first; what other months owe is of no matter here.
_SAME_AMOUNT = """
    SELECT DISTINCT account_id FROM ledger_entry
    WHERE kind = 'bill' AND amount_minor = %(amount)s AND month >= %(since)s LIMIT %(limit)s
"""


@dataclass(frozen=True, kw_only=True)
class SuspenseFilter:
    """What to show of suspense. `owner` is '' for all, `none`, or a person's id."""

    text: str = ""
    owner: str = ""
    older_than_days: int = 0
    amount_from_minor: int = 0


@dataclass(frozen=True)
class SuspenseItem:
    """A receipt that waits. `said` is what the payment is for, as the payer or the sender wrote it."""

    id: int
    paid_on: date
    amount_minor: int
    payer: str
    payer_account: str
    reference: str
    said: str
    file_name: str
    rule: str
    owner_id: int
    owner: str
    bank_transaction_id: int | None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An account that a receipt may be for, and why. `open_minor` is what it owes."""

    account_id: int
    number: str
    customer: str
    rule: str
    percent: int
    open_minor: int


def list_suspense_items(
    *, scope: Scope, chosen: SuspenseFilter, today: date, after_id: int = 0, limit: int = 50
) -> list[SuspenseItem]:
    """Receipts in suspense, oldest first, keyset-paged by `after_id`.

    They belong to no unit yet, so everybody who may import payments sees all of them.
    """
    if not scope.may(Permission.IMPORT_PAYMENTS):
        return []
    latest = today - timedelta(days=chosen.older_than_days) if chosen.older_than_days else None
    pattern = chosen.text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    params = {
        "text": chosen.text,
        "pattern": f"%{pattern}%",
        "latest": latest,
        "owner": chosen.owner,
        "least": chosen.amount_from_minor,
        "after": after_id,
        "limit": limit,
    }
    return [SuspenseItem(*row) for row in _rows(_ITEM + _FILTERS, params)]


def find_suspense_item(*, receipt_id: int, scope: Scope) -> SuspenseItem | None:
    """One receipt in suspense; None when it is not there or the person may not see it."""
    if not scope.may(Permission.IMPORT_PAYMENTS):
        return None
    found = _rows(f"{_ITEM} AND c.id = %(id)s", {"id": receipt_id})
    return SuspenseItem(*found[0]) if found else None


def propose_accounts(*, item: SuspenseItem, scope: Scope, today: date) -> list[Proposal]:
    """Accounts of the scope that the money may be for, the likeliest first, each once with its best reason."""
    reasons: dict[int, str] = {}
    for rule, account_ids in (
        (MatchRule.ACCOUNT_NUMBER, _named_accounts(item)),
        (MatchRule.PAYER_ACCOUNT, _learned(PayerKind.ACCOUNT, item.payer_account)),
        (MatchRule.PAYER_NAME, _learned(PayerKind.NAME, item.payer)),
        (MatchRule.AMOUNT, _same_amount(item, today)),
    ):
        for account_id in account_ids:
            reasons.setdefault(account_id, rule.value)
    return _described(reasons, item=item, scope=scope)


def _described(reasons: dict[int, str], *, item: SuspenseItem, scope: Scope) -> list[Proposal]:
    params = {
        "ids": list(reasons),
        "everything": scope.organisation_ids is None,
        "reached": sorted(scope.organisation_ids or ()),
    }
    accounts = _rows(
        """
        SELECT a.id, a.number, mains_name(c.name)
        FROM customers_account a JOIN customers_customer c ON c.id = a.customer_id
        WHERE a.id = ANY(%(ids)s) AND (%(everything)s OR a.organisation_id = ANY(%(reached)s))
        """,
        params,
    )
    owed: dict[int, list[int]] = {}
    items = open_items(account_ids=[row[0] for row in accounts])
    for account_id, minor in items.select("account_id", "outstanding_minor").iter_rows():
        owed.setdefault(account_id, []).append(minor)
    made = [
        Proposal(
            account_id=account_id,
            number=number,
            customer=name,
            rule=reasons[account_id],
            percent=CONFIDENCE_PERCENT[reasons[account_id]],
            open_minor=sum(owed.get(account_id, [])),
        )
        for account_id, number, name in accounts
    ]
    told = [_strengthened(one, owed.get(one.account_id, []), item) for one in made]
    # A bill of this amount that is paid already is no reason.
    still = [one for one in told if one.rule != MatchRule.AMOUNT or item.amount_minor in _amounts(owed, one)]
    return sorted(still, key=lambda one: (-one.percent, one.number))[:MAX_PROPOSALS]


def _amounts(owed: dict[int, list[int]], proposal: Proposal) -> set[int]:
    open_minor = owed.get(proposal.account_id, [])
    return {*open_minor, sum(open_minor)}


def _strengthened(proposal: Proposal, open_minor: Sequence[int], item: SuspenseItem) -> Proposal:
    """A payer's name and an open amount together say more than either."""
    if item.amount_minor not in {*open_minor, sum(open_minor)}:
        return proposal
    rule = proposal.rule
    if rule == MatchRule.PAYER_NAME:
        rule = MatchRule.PAYER_AND_AMOUNT.value
    elif rule == MatchRule.AMOUNT and _same_words(proposal.customer, item.payer):
        rule = MatchRule.AMOUNT_AND_NAME.value
    return replace(proposal, rule=rule, percent=CONFIDENCE_PERCENT[rule])


def _same_words(left: str, right: str) -> bool:
    """Whether two names have the same words, or one all words of the other."""
    words = [set(payer_key(kind=PayerKind.NAME, text=text).split()) for text in (left, right)]
    return bool(words[0] and words[1]) and (words[0] <= words[1] or words[1] <= words[0])


def _named_accounts(item: SuspenseItem) -> list[int]:
    """Accounts whose number the payment says, or says with one digit wrong or two digits swapped."""
    digits = "".join(
        character if character.isascii() and character.isdigit() else " " for character in item.said
    )
    said = {run for run in (*digits.split(), item.reference.strip()) if 4 <= len(run) <= 20 and run.isdigit()}
    spelled = {variant for run in list(said)[:20] for variant in _variants(run)}
    rows = _rows(
        "SELECT id FROM customers_account WHERE number = ANY(%(numbers)s) LIMIT 20",
        {"numbers": sorted(said | spelled)},
    )
    return [row[0] for row in rows]


def _variants(number: str) -> set[str]:
    """Numbers with a right check digit that differ in one digit, or by two neighbours swapped."""
    changed = {
        number[:place] + digit + number[place + 1 :] for place in range(len(number)) for digit in "0123456789"
    }
    swapped = {
        number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        for place in range(len(number) - 1)
    }
    return {variant for variant in changed | swapped if has_valid_check_digit(variant)}


def _learned(kind: PayerKind, text: str) -> list[int]:
    key = payer_key(kind=kind, text=text)
    if not key:
        return []
    rows = _rows(
        """
        SELECT account_id FROM payments_learnedpayer
        WHERE kind = %(kind)s AND key = %(key)s AND removed_at IS NULL ORDER BY id DESC LIMIT 20
        """,
        {"kind": kind.value, "key": key},
    )
    return [row[0] for row in rows]


def _same_amount(item: SuspenseItem, today: date) -> list[int]:
    since = (today - timedelta(days=_MONTHS_OF_AMOUNT)).replace(day=1)
    rows = _rows(_SAME_AMOUNT, {"amount": item.amount_minor, "since": since, "limit": 50})
    return [row[0] for row in rows]


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
