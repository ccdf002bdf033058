"""By what a payer is known again."""

import re
import unicodedata

from mains.payments.values.states import PayerKind


def payer_key(*, kind: PayerKind, text: str) -> str:
    """The text without what changes from payment to payment: case, spaces, signs, order of the name's words."""
    if kind == PayerKind.ACCOUNT:
        return "".join(text.split()).upper()[:200]
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(sorted(re.findall(r"\w+", folded)))[:200]
