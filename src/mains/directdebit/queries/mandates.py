"""Mandates as people read them, with what banks and the calendar make of them."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from mains.base.dated import holds_on
from mains.directdebit.models import Creditor
from mains.directdebit.values import MandateState, lapses_on

_MANDATES = """
    SELECT m.id, m.account_id, a.number, a.closed_on, m.creditor_number, m.identifier, m.signed_on, m.debtor_name,
           m.iban, m.bic, m.scheme, m.use, lower(m.valid), upper(m.valid), m.proof, m.recorded_at,
           coalesce(u.get_username, ''), u2.last_on, coalesce(u2.times, 0), coalesce(u2.last_iban, ''),
           coalesce(e.kind = 'suspended', false), coalesce(e.reason, '')
    FROM directdebit_mandate m
    JOIN customers_account a ON a.id = m.account_id
    LEFT JOIN LATERAL (
        SELECT username AS get_username FROM staff_user WHERE id = m.recorded_by_id) u ON true
    LEFT JOIN LATERAL (
        -- Refused collections used nothing.
        SELECT max(c.collect_on) AS last_on, count(*) AS times,
               (array_agg(x.iban ORDER BY c.collect_on DESC, i.id DESC))[1] AS last_iban
        FROM directdebit_collectionitem i JOIN directdebit_collection c ON c.id = i.collection_id
        JOIN directdebit_mandate x ON x.id = i.mandate_id
        WHERE x.creditor_number = m.creditor_number AND x.identifier = m.identifier
          AND NOT EXISTS (
              SELECT FROM directdebit_collectiondecision d WHERE d.collection_id = c.id AND NOT d.agrees)
    ) u2 ON true
    LEFT JOIN LATERAL (
        SELECT kind, reason FROM directdebit_mandateevent
        WHERE creditor_number = m.creditor_number AND identifier = m.identifier ORDER BY id DESC LIMIT 1) e ON true
    WHERE m.superseded_at IS NULL
      AND (%(account_id)s::bigint IS NULL OR m.account_id = %(account_id)s)
      AND (%(number)s::int IS NULL OR m.creditor_number = %(number)s)
      AND (%(holds_on)s::date IS NULL OR m.valid @> %(holds_on)s::date)
    ORDER BY m.account_id, lower(m.valid)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class MandateRecord:
    """A mandate over its days; `times` and `last_used` of its collections that were not refused, `last_iban` the
    account that the last of them went to."""

    id: int
    account_id: int
    account_number: str
    account_closed_on: date | None
    creditor_number: int
    identifier: str
    signed_on: date
    debtor_name: str
    iban: str
    bic: str
    scheme: str
    use: str
    valid_from: date
    valid_to: date | None
    proof: str
    recorded_at: datetime
    recorded_by: str
    last_used: date | None
    times: int
    last_iban: str
    is_suspended: bool
    suspended_because: str

    @property
    def lapses_on(self) -> date:
        """The first day on which it is void unless it is used before."""
        return lapses_on(max(self.last_used or self.signed_on, self.signed_on))

    def state_on(self, day: date) -> MandateState:
        """Whether it allows to collect on a day."""
        if self.valid_to is not None and self.valid_to <= day:
            return MandateState.REVOKED
        if day < self.valid_from:
            return MandateState.AHEAD
        if self.is_suspended:
            return MandateState.SUSPENDED
        if self.use == "OOFF" and self.times:
            return MandateState.USED
        return MandateState.LAPSED if day >= self.lapses_on else MandateState.ACTIVE


def list_mandates(
    *, account_id: int | None = None, creditor_number: int | None = None, day: date | None = None
) -> list[MandateRecord]:
    """Mandates believed now: of an account, of a creditor, or valid on a day; by account and day.

    Callers have checked that the person may see the account's money.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MANDATES, {"account_id": account_id, "number": creditor_number, "holds_on": day})
        names = list(MandateRecord.__dataclass_fields__)
        return [MandateRecord(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def find_creditor(*, number: int, day: date) -> Creditor | None:
    """The terms of a creditor on a day."""
    return Creditor.objects.filter(holds_on(day), number=number).first()


def list_creditors(*, day: date) -> list[Creditor]:
    """Who collects on a day."""
    return list(Creditor.objects.filter(holds_on(day)).order_by("number"))
