"""Note what accepted bank files say of direct debits: collected, or returned with a reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction

from mains.directdebit.actions.mandates import suspend_mandate
from mains.directdebit.models import CollectionItem, ItemEvent, Mandate
from mains.directdebit.queries.mandates import find_creditor
from mains.directdebit.values import FINAL_CODES, ItemEventKind
from mains.payments.actions.bank_returns import take_back_by_line
from mains.payments.values.answers import BankAnswer

_COLLECTED = """
    INSERT INTO directdebit_itemevent (item_id, kind, receipt_id, bank_transaction_id, code, charge_minor, recorded_at)
    SELECT i.id, 'collected', c.id, t.id, '', 0, %(now)s
    FROM directdebit_collectionitem i
    JOIN payments_banktransaction t ON t.end_to_end_id = i.end_to_end_id AND t.rule = 'collection'
    JOIN payments_receipt c ON c.bank_transaction_id = t.id
    WHERE NOT EXISTS (SELECT FROM directdebit_itemevent e WHERE e.item_id = i.id AND e.kind = 'collected')
    ON CONFLICT DO NOTHING
"""
# A line that is larger than what was collected by more or less than the charges it states waits for the accountant.
_RETURNED = """
    SELECT DISTINCT ON (i.id) i.id, e.receipt_id, t.id, -t.amount_minor - i.amount_minor, t.return_code, t.remittance,
           t.booked_on
    FROM payments_banktransaction t
    JOIN payments_bankstatement s ON s.id = t.statement_id
    JOIN payments_bankfile f ON f.id = s.file_id
    JOIN directdebit_collectionitem i ON i.end_to_end_id = t.end_to_end_id
    JOIN directdebit_itemevent e ON e.item_id = i.id AND e.kind = 'collected'
    WHERE f.status = 'accepted' AND t.state = 'waiting' AND t.amount_minor < 0 AND NOT t.is_charge
      AND -t.amount_minor - i.amount_minor IN (0, t.charges_minor)
      AND NOT EXISTS (SELECT FROM payments_bankbooking b WHERE b.transaction_id = t.id)
      AND NOT EXISTS (SELECT FROM directdebit_itemevent r WHERE r.item_id = i.id AND r.kind = 'returned')
    ORDER BY i.id, t.id
"""
_IN_A_ROW = """
    SELECT count(*) FROM directdebit_itemevent r
    JOIN directdebit_collectionitem i ON i.id = r.item_id JOIN directdebit_mandate m ON m.id = i.mandate_id
    WHERE r.kind IN ('returned', 'rejected') AND m.creditor_number = %(number)s AND m.identifier = %(identifier)s
      AND r.recorded_at > coalesce((
          SELECT max(recorded_at) FROM directdebit_mandateevent v
          WHERE v.creditor_number = m.creditor_number AND v.identifier = m.identifier AND v.kind = 'resumed'),
          '-infinity')
      AND NOT EXISTS (
          -- A later collection that stayed collected begins anew.
          SELECT FROM directdebit_collectionitem j JOIN directdebit_mandate n ON n.id = j.mandate_id
          JOIN directdebit_itemevent p ON p.item_id = j.id AND p.kind = 'collected'
          WHERE n.creditor_number = m.creditor_number AND n.identifier = m.identifier AND j.id > i.id
            AND NOT EXISTS (SELECT FROM directdebit_itemevent q
                            WHERE q.item_id = j.id AND q.kind IN ('returned', 'rejected')))
"""
_CODE = re.compile(
    r"\b(AC0[1346]|AC13|AG0[12]|AM0[45]|BE05|CNOR|DNOR|FF01|MD0[1267]|MS0[23]|RC01|RR0[1-4]|SL01)\b"
)
"""Reasons of the ISO external list that the SEPA rulebooks allow; MT940 has them in its words."""


@dataclass(frozen=True)
class _Return:
    item_id: int
    receipt_id: int
    transaction_id: int
    charge_minor: int
    code: str
    words: str
    booked_on: date


def book_bank_lines(*, now: datetime) -> tuple[int, int]:
    """Note the direct debits that accepted bank files collected, and take back the receipts of those that they return;
    how many of both. Doing it again changes nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directdebit_bank'))")
            cursor.execute(_COLLECTED, {"now": now})
            collected = cursor.rowcount
            cursor.execute(_RETURNED)
            returned = [_Return(*row) for row in cursor.fetchall()]
        for one in returned:
            _take_back(one, now=now)
        return collected, len(returned)


def take_bank_answers(*, answers: Sequence[BankAnswer], now: datetime) -> set[str]:
    """Note what the bank answered to direct debits before their day. A refused one is not on its way any more, so that
    the next collection asks for it again, and its mandate is suspended where collecting is hopeless. The end-to-end ids
    that are direct debits of ours; what was noted before, or collected meanwhile, stays as it is."""
    known = set()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('directdebit_bank'))")
        for answer in answers:
            item = (
                CollectionItem.objects.select_related("mandate", "collection")
                .filter(end_to_end_id=answer.end_to_end_id, collection__file__isnull=False)
                .first()
            )
            if item is None:
                continue
            known.add(answer.end_to_end_id)
            kind = ItemEventKind.ACCEPTED if answer.is_accepted else ItemEventKind.REJECTED
            if (
                item.events.exclude(kind=ItemEventKind.ACCEPTED).exists()
                or item.events.filter(kind=kind).exists()
            ):
                continue
            ItemEvent.objects.create(item=item, kind=kind, code=answer.code[:10], recorded_at=now)
            if not answer.is_accepted:
                _suspend_where_hopeless(
                    item.mandate, code=answer.code, day=item.collection.collect_on, now=now
                )
    return known


def debits_of_file(*, identifier: str, batch: str = "") -> list[str]:
    """End-to-end ids of the direct debits of a collection's file, of all of it or of one batch."""
    found = CollectionItem.objects.filter(collection__file__identifier=identifier)
    found = found.filter(batch=batch) if batch else found
    return list(found.order_by("pk").values_list("end_to_end_id", flat=True))


def _take_back(one: _Return, *, now: datetime) -> None:
    named = _CODE.search(one.words)
    code = one.code or (named[1] if named else "")
    take_back_by_line(
        transaction_id=one.transaction_id,
        receipt_id=one.receipt_id,
        reason=f"Direct debit returned {code}".strip(),
        charge_minor=one.charge_minor,
        now=now,
    )
    ItemEvent.objects.create(
        item_id=one.item_id,
        kind=ItemEventKind.RETURNED,
        receipt_id=one.receipt_id,
        bank_transaction_id=one.transaction_id,
        code=code,
        charge_minor=one.charge_minor,
        recorded_at=now,
    )
    item = CollectionItem.objects.select_related("mandate").get(pk=one.item_id)
    _suspend_where_hopeless(item.mandate, code=code, day=one.booked_on, now=now)


def _suspend_where_hopeless(mandate: Mandate, *, code: str, day: date, now: datetime) -> None:
    """Stop collecting by a mandate that banks return again and again, or that cannot succeed any more."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_A_ROW, {"number": mandate.creditor_number, "identifier": mandate.identifier})
        in_a_row = int(cursor.fetchall()[0][0])
    creditor = find_creditor(number=mandate.creditor_number, day=day)
    limit = creditor.returns_limit if creditor else 1
    if code in FINAL_CODES or in_a_row >= limit:
        suspend_mandate(
            mandate_id=mandate.pk, reason=f"Returned {in_a_row} times, lastly {code}".strip(), now=now
        )
