"""Set up cash desks."""

import re

from django.db import IntegrityError, transaction

from mains.cashdesk.actions.refusals import refusal
from mains.cashdesk.models import CashDesk
from mains.payments.queries.acquirer_dues import find_acquirer_id

_CODE = re.compile(r"[\w.-]{1,20}")


def add_desk(
    *, code: str, name: str, organisation_id: int, void_limit_minor: int, bank_account_id: int | None = None
) -> CashDesk:
    """A new till of a unit. Raises UnableAtDesk: a code that is taken or no code, a limit below nothing."""
    code = code.strip()
    if not _CODE.fullmatch(code):
        raise refusal(
            "code",
            "The code of a desk has 1 to 20 letters, digits, dots and hyphens.",
            f"desk {code}",
            "Write it as people call it, for example NORTH-1.",
        )
    if void_limit_minor < 0:
        raise refusal(
            "limit",
            "The limit is not below nothing.",
            f"desk {code}",
            "With 0 a supervisor agrees to every payment taken back.",
        )
    try:
        with transaction.atomic():
            return CashDesk.objects.create(
                code=code,
                name=" ".join(name.split())[:100] or code,
                organisation_id=organisation_id,
                void_limit_minor=void_limit_minor,
                bank_account_id=bank_account_id,
            )
    except IntegrityError as error:
        raise refusal(
            "code-taken",
            "There is a desk with this code.",
            f"desk {code}",
            "Choose another code; `mains desk list` shows those there are.",
        ) from error


def state_acquirer(*, desk_code: str, channel_code: str) -> CashDesk:
    """Say whose card terminal stands at a desk; its card payments are then waited for by the acquirer's schedule. An
    empty code: nobody's. Raises UnableAtDesk: no such desk, no such acquirer."""
    desk = CashDesk.objects.filter(code=desk_code).first()
    if desk is None:
        raise refusal("desk-unknown", "There is no such desk.", f"desk {desk_code}", "See `mains desk list`.")
    channel_id = find_acquirer_id(code=channel_code) if channel_code else None
    if channel_code and channel_id is None:
        raise refusal(
            "acquirer-unknown",
            "There is no acquirer of cards with this code.",
            f"desk {desk_code}",
            "State its channel first: mains online channel.",
        )
    desk.acquirer_id = channel_id
    desk.save(update_fields=["acquirer_id"])
    return desk
