"""A receipt: what was paid for whom. The same receipt gives the same bytes, until it is taken back."""

from collections.abc import Sequence
from typing import Literal

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from mains.base.formats import date_text, money_text
from mains.cashdesk.queries.records import LineRecord, PaymentRecord
from mains.cashdesk.values import Means, VoidState
from mains.reporting.queries.bill_paper.printed import Texts
from mains.reporting.queries.bill_paper.typeset import draw_desk_receipt, set_desk_receipt

Paper = Literal["a4", "80mm"]


def receipt_pdf(
    *, payment: PaymentRecord, lines: Sequence[LineRecord], currency: str, language: str, paper: Paper
) -> bytes:
    """The receipt as PDF/UA-1, on A4 or on the 80 mm of a receipt printer.

    Raises UnableToPrintBill when no font at hand has a letter of a name.
    """
    with translation.override(language):
        return set_desk_receipt(
            _texts(payment, lines, currency=currency, language=language) | {"paper": paper}
        )


def receipt_picture(
    *, payment: PaymentRecord, lines: Sequence[LineRecord], currency: str, language: str
) -> bytes:
    """The receipt on 80 mm as SVG, set as the PDF is. Raises UnableToPrintBill as `receipt_pdf`."""
    with translation.override(language):
        texts = _texts(payment, lines, currency=currency, language=language)
        return draw_desk_receipt(texts | {"paper": "80mm"})


def _texts(payment: PaymentRecord, lines: Sequence[LineRecord], *, currency: str, language: str) -> Texts:
    def money(minor: int) -> str:
        return money_text(minor, currency=currency, language=language)

    sums = [[_("Total"), money(payment.amount_minor)], [str(Means(payment.means).label), ""]]
    if payment.means == Means.CASH:
        given = payment.tendered_minor or payment.amount_minor
        sums[1][1] = money(given)
        sums.append([_("Change to give back"), money(payment.change_minor)])
    else:
        sums[1][1] = _("slip %(slip)s") % {"slip": payment.slip}
    names = payment.printed
    return {
        "language": language.partition("-")[0],
        "title": _("Payment receipt"),
        "number": payment.number_text,
        "utility": names["utility"],
        "head": [
            names["unit"],
            names["desk"],
            f"{date_text(payment.paid_on, language=language)} {timezone.localtime(payment.recorded_at):%H:%M}",
        ],
        "lines": [
            {
                "account": line.account_number,
                "customer": line.customer,
                "place": line.place,
                "amount": money(line.amount_minor),
            }
            for line in lines
        ],
        "sums": sums,
        "void": _("Taken back: this receipt is not valid.") if payment.void == VoidState.DONE else "",
        "labels": {
            "account": _("Account"),
            "customer": _("Customer"),
            "amount": _("Amount"),
            "cashier": _("Cashier"),
        },
        "cashier": names["cashier"],
        "note": _("Keep this receipt: it proves the payment."),
    }
