"""Late interest and limitation of a demo utility: what its pack states, and interest of the months that are over."""

from datetime import datetime, timedelta
from decimal import Decimal

from mains.debt.actions.interest import post_interest
from mains.debt.actions.terms import state_interest, state_key_rate, state_limitation
from mains.debt.queries.interest import last_posted_day
from mains.debt.queries.terms import list_key_rates, list_limitation_terms, list_terms
from mains.debt.values import Interruption
from mains.packs.definition import Pack


def state_late_money(*, pack: Pack, now: datetime) -> None:
    """State the pack's published rates, rules of interest and limitation, once."""
    clauses = pack.late_money
    if not list_key_rates():
        for rate in clauses.rates:
            state_key_rate(
                code=rate.code,
                percent=Decimal(rate.percent),
                valid_from=rate.valid_from,
                proof=rate.proof,
                actor=None,
                now=now,
            )
    if not list_terms():
        for clause in clauses.interest:
            state_interest(
                document=clause.rule,
                key_rate=clause.key_rate,
                service=clause.service,
                category=clause.category,
                valid_from=clause.valid_from,
                proof=clause.proof,
                actor=None,
                now=now,
            )
    if not list_limitation_terms():
        for term in clauses.limitation:
            state_limitation(
                years=term.years,
                interruption=Interruption(term.interruption),
                service=term.service,
                valid_from=term.valid_from,
                proof=term.proof,
                actor=None,
                now=now,
            )


def post_late_interest(*, pack: Pack, now: datetime) -> None:
    """Post interest until the end of the last month that is over, once. Everything that is recorded must be of `now` or
    before, so that the exact replay knows it too."""
    until = now.date().replace(day=1) - timedelta(days=1)
    if pack.late_money.interest and last_posted_day() is None:
        post_interest(until=until, now=now)
