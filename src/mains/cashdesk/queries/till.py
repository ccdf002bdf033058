"""How much cash there should be in a till and in a safe."""

from mains.base.rows import fetch_row
from mains.cashdesk.models import CashDesk
from mains.payments.queries.acquirer_dues import max_instalments

_TAKEN = """
    SELECT coalesce(sum(l.amount_minor), 0)::bigint
    FROM cashdesk_deskpayment p JOIN cashdesk_deskpaymentline l ON l.payment_id = p.id
    WHERE p.means = 'cash' AND p.desk_id = %(desk_id)s
      AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = l.receipt_id)
"""
_MOVED = """
    SELECT coalesce(sum(CASE WHEN kind IN ('from_safe', 'over') THEN amount_minor ELSE -amount_minor END), 0)::bigint
    FROM cashdesk_cashmovement WHERE desk_id = %(desk_id)s
"""
_SAFE = """
    SELECT coalesce(sum(
        CASE WHEN kind IN ('to_safe', 'safe_brought') THEN amount_minor ELSE -amount_minor END), 0)::bigint
    FROM cashdesk_cashmovement
    WHERE organisation_id = %(organisation_id)s AND kind IN ('to_safe', 'from_safe', 'safe_brought', 'safe_to_bank')
"""


def till_minor(*, desk_id: int) -> int:
    """What should be in a till now: taken in cash and not taken back, and what moved in and out."""
    return sum(fetch_row(int, statement, {"desk_id": desk_id}) or 0 for statement in (_TAKEN, _MOVED))


def safe_minor(*, organisation_id: int) -> int:
    """What should be in the safe of a unit now."""
    return fetch_row(int, _SAFE, {"organisation_id": organisation_id}) or 0


def most_instalments(*, desk_id: int) -> int:
    """In how many parts customers may pay the card's bank at this desk's terminal; one where no acquirer is stated."""
    acquirer_id = CashDesk.objects.filter(pk=desk_id).values_list("acquirer_id", flat=True).first()
    return max_instalments(channel_id=acquirer_id) if acquirer_id else 1
