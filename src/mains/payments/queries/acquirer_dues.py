"""What acquirers still have to pay of card payments, what they paid, and what of their transfers does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import groupby

from mains.base.rows import fetch_rows
from mains.kernel.rounding import RoundingMode, round_quotient
from mains.payments.models import PaymentChannel
from mains.payments.values.online import ChannelKind

# Open parts at the end of a day. Of a payment that was taken back nothing is waited for.
_DUES = """
    SELECT d.id, d.receipt_id, d.part, d.due_on, d.amount_minor,
           coalesce((SELECT sum(p.amount_minor) FROM payments_payoutpart p JOIN payments_payout o ON o.id = p.payout_id
                     WHERE p.due_id = d.id AND o.paid_on <= %(on_date)s), 0)::bigint,
           r.money_control, coalesce(r.money_unit_id, 0)
    FROM payments_acquirerdue d JOIN payments_paymentchannel c ON c.id = d.channel_id
    JOIN payments_receipt r ON r.id = d.receipt_id
    WHERE c.code = %(code)s
      AND NOT EXISTS (SELECT FROM payments_receiptreversal v WHERE v.receipt_id = d.receipt_id)
      AND d.amount_minor > coalesce((
          SELECT sum(p.amount_minor) FROM payments_payoutpart p JOIN payments_payout o ON o.id = p.payout_id
          WHERE p.due_id = d.id AND o.paid_on <= %(on_date)s), 0)
    ORDER BY d.due_on, d.receipt_id, d.part LIMIT %(limit)s
"""
_TRANSFERS = """
    SELECT o.id, o.reference, o.paid_on, o.amount_minor, o.fee_minor,
           coalesce((SELECT sum(p.amount_minor) FROM payments_payoutpart p WHERE p.payout_id = o.id), 0)::bigint,
           (SELECT count(*) FROM payments_payoutpart p WHERE p.payout_id = o.id),
           coalesce((SELECT sum(p.amount_minor) FROM payments_payoutpart p
                     JOIN payments_acquirerdue d ON d.id = p.due_id
                     JOIN payments_receiptreversal v ON v.receipt_id = d.receipt_id
                     WHERE p.payout_id = o.id), 0)::bigint
    FROM payments_payout o JOIN payments_paymentchannel c ON c.id = o.channel_id
    WHERE c.code = %(code)s ORDER BY o.paid_on DESC, o.id DESC LIMIT %(limit)s
"""
# Credits from the acquirer's accounts that nobody has booked.
_LINES = """
    SELECT t.id, t.booked_on, t.amount_minor, t.remittance, t.bank_reference
    FROM payments_banktransaction t
    JOIN payments_bankstatement s ON s.id = t.statement_id JOIN payments_bankfile f ON f.id = s.file_id
    JOIN payments_paymentchannel c ON c.payer_accounts ? replace(t.payer_account, ' ', '')
    WHERE c.code = %(code)s AND f.status = 'accepted' AND t.state = 'waiting' AND t.amount_minor > 0
      AND NOT EXISTS (SELECT FROM payments_bankbooking b WHERE b.transaction_id = t.id)
    ORDER BY t.booked_on, t.id
"""
_ALL = 1_000_000


@dataclass(frozen=True)
class DuePart:
    """A part of a card payment that the acquirer has not paid, or only in part, in minor units. `control` and `unit_id`
    say where the claim stands in the ledger."""

    id: int
    receipt_id: int
    part: int
    due_on: date
    amount_minor: int
    paid_minor: int
    control: str
    unit_id: int

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.paid_minor


@dataclass(frozen=True)
class Transfer:
    """What an acquirer passed on: net, its commission, what of it pays card payments (gross), and how many parts.
    `taken_back_minor` was paid for payments that were taken back since."""

    id: int
    reference: str
    paid_on: date
    net_minor: int
    fee_minor: int
    matched_minor: int
    parts: int
    taken_back_minor: int

    @property
    def gross_minor(self) -> int:
        return self.net_minor + self.fee_minor

    @property
    def difference_minor(self) -> int:
        """What of the transfer pays no card payment that we know, or one that was taken back."""
        return self.gross_minor - self.matched_minor + self.taken_back_minor


@dataclass(frozen=True)
class WaitingLine:
    """A line of a statement from the acquirer that fits no transfer by itself, beside what was to come by its day."""

    id: int
    booked_on: date
    net_minor: int
    text: str
    expected_gross_minor: int
    expected_fee_minor: int

    @property
    def difference_minor(self) -> int:
        """What came less what was expected."""
        return self.net_minor - (self.expected_gross_minor - self.expected_fee_minor)


@dataclass(frozen=True)
class _Line:
    id: int
    booked_on: date
    amount_minor: int
    remittance: str
    bank_reference: str

    @property
    def text(self) -> str:
        return self.remittance or self.bank_reference


def list_due_parts(*, code: str, on_date: date, limit: int = 200) -> list[DuePart]:
    """Open parts of a channel at the end of a day, those that fall due first first; what is overdue should have come.
    The caller has checked `may_see_channels`."""
    return fetch_rows(DuePart, _DUES, {"code": code, "on_date": on_date, "limit": limit})


def list_transfers(*, code: str, limit: int = 100) -> list[Transfer]:
    """What a channel passed on, latest first. The caller has checked `may_see_channels`."""
    return fetch_rows(Transfer, _TRANSFERS, {"code": code, "limit": limit})


def list_waiting_lines(*, code: str) -> list[WaitingLine]:
    """The acquirer's lines that wait for a person, with what was due by their days. The caller has checked
    `may_see_channels`."""
    channel = PaymentChannel.objects.get(code=code)
    found = []
    for line in fetch_rows(_Line, _LINES, {"code": channel.code}):
        parts = list_due_parts(code=channel.code, on_date=line.booked_on, limit=_ALL)
        gross = sum(part.left_minor for part in parts if part.due_on <= line.booked_on)
        fee = commission_of(channel, gross_minor=gross)
        found.append(WaitingLine(line.id, line.booked_on, line.amount_minor, line.text, gross, fee))
    return found


def find_fitting_gross(
    *, channel: PaymentChannel, parts: Sequence[DuePart], net_minor: int, booked_on: date
) -> int | None:
    """Of which card payments a transfer is, by its amount: the gross of the oldest due days, or of one due day alone,
    that gives just this net after commission. None where no such sum does, or nothing is due."""
    days = [
        sum(part.left_minor for part in of_day)
        for day, of_day in groupby(parts, key=lambda part: part.due_on)
        if day <= booked_on
    ]
    upto = [sum(days[: count + 1]) for count in range(len(days))]
    fitting = [gross for gross in upto if gross - commission_of(channel, gross_minor=gross) == net_minor]
    return fitting[0] if fitting else None


def commission_of(channel: PaymentChannel, *, gross_minor: int) -> int:
    """What the acquirer keeps of a sum: `commission_percent` of the channel's settings, half a minor unit up."""
    try:
        percent = Fraction(Decimal(str(channel.settings.get("commission_percent", "0"))))
    except (InvalidOperation, ValueError):
        percent = Fraction(0)
    kept = gross_minor * percent / 100
    return round_quotient(kept.numerator, kept.denominator, RoundingMode.HALF_UP)


def find_acquirer_id(*, code: str) -> int | None:
    """The id of the channel of an acquirer of cards."""
    found = PaymentChannel.objects.filter(code=code, kind=ChannelKind.CARD)
    return found.values_list("pk", flat=True).first()


def max_instalments(*, channel_id: int) -> int:
    """In how many parts the acquirer lets customers pay: `max_instalments` of the channel's settings, else one."""
    channel = PaymentChannel.objects.get(pk=channel_id)
    return int(channel.settings.get("max_instalments", 1))


def list_acquirer_lines(*, code: str) -> list[tuple[int, date, int, str]]:
    """Lines of the acquirer that nobody has booked: id, day, minor units, text."""
    lines = fetch_rows(_Line, _LINES, {"code": code})
    return [(line.id, line.booked_on, line.amount_minor, line.text) for line in lines]
