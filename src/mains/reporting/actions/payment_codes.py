"""State which QR codes a supplier's bills carry."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from mains.kernel.errors import MainsError
from mains.reporting.models import PaymentCode
from mains.reporting.queries.bill_paper.payment_codes import Standard, list_settings

CODES_MAX = 2
"""How many codes have room on a bill."""


class UnableToStorePaymentCodes(MainsError):
    """The standard or a setting is not known, or the codes are too many."""


@transaction.atomic
def store_payment_codes(*, party_id: int, codes: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """The supplier's bills carry these codes from now on, in this order; none: the usual one of the currency.

    Each is a standard (gost, epc, emv, named) with its settings. Raises UnableToStorePaymentCodes.
    """
    if len(codes) > CODES_MAX or len({standard for standard, _settings in codes}) < len(codes):
        raise _unable(f"A bill carries {CODES_MAX} codes at most, of different standards.", "codes")
    for standard, settings in codes:
        if standard not in Standard.values:
            raise _unable(
                f"There is no standard {standard!r}; choose one of {', '.join(Standard.values)}.", standard
            )
        known = list(list_settings(Standard(standard)))
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise _unable(
                f"{standard} has no setting {unknown[0]!r}; it has {', '.join(known) or 'none'}.", standard
            )
    PaymentCode.objects.filter(party_id=party_id).delete()
    PaymentCode.objects.bulk_create(
        PaymentCode(party_id=party_id, position=position, standard=standard, settings=dict(settings))
        for position, (standard, settings) in enumerate(codes)
    )


def _unable(message: str, place: str) -> UnableToStorePaymentCodes:
    return UnableToStorePaymentCodes(
        code="payment-code-setting",
        message=message,
        place=place,
        remedy="See docs/bill-explained.md, Payment code.",
    )
