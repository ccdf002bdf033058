"""The report of a closed shift, from what was kept at its closing: for ever the same bytes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from mains.base.formats import date_text, money_text
from mains.cashdesk.values import Means, MovementKind
from mains.reporting.queries.bill_paper.printed import Texts
from mains.reporting.queries.bill_paper.typeset import set_shift_report


def shift_report_pdf(*, report: Mapping[str, Any], currency: str, language: str) -> bytes:
    """The report (`cashdesk.queries.reports.make_report`) as PDF/UA-1 on A4, with lines to sign.

    Raises UnableToPrintBill when no font at hand has a letter of a name.
    """
    with translation.override(language):
        return set_shift_report(_texts(report, currency=currency, language=language))


def _texts(report: Mapping[str, Any], *, currency: str, language: str) -> Texts:
    def money(minor: int) -> str:
        return money_text(minor, currency=currency, language=language)

    names = report["names"]
    difference = report["counted_minor"] - report["expected_minor"]
    return {
        "language": language.partition("-")[0],
        "title": _("Shift report"),
        "number": f"{names['code']} / {report['number']}",
        "utility": names["utility"],
        "head": [
            [_("Cash desk"), f"{names['desk']}, {names['unit']}"],
            [_("Cashier"), names["cashier"]],
            [_("Opened"), _instant(report["opened_at"], language)],
            [_("Closed"), f"{_instant(report['closed_at'], language)}, {report['closed_by']}"],
        ],
        "tables": [
            {
                "title": _("Payments"),
                "columns": [_("Means"), _("Number"), _("Taken"), _("Taken back"), _("Kept")],
                "rows": [
                    [
                        str(Means(one["means"]).label),
                        str(one["count"]),
                        money(one["amount_minor"]),
                        money(one["void_minor"]),
                        money(one["amount_minor"] - one["void_minor"]),
                    ]
                    for one in report["means"]
                ],
            },
            {
                "title": _("Cash that moved"),
                "columns": [_("What"), _("Slip or reason"), _("Amount")],
                "rows": [
                    [
                        str(MovementKind(one["kind"]).label),
                        one["slip"] or one["reason"],
                        money(one["amount_minor"]),
                    ]
                    for one in report["moved"]
                ],
            },
            {
                "title": _("Counted"),
                "columns": [_("Note or coin"), _("Pieces"), _("Amount")],
                "rows": [
                    [money(int(minor)), str(pieces), money(int(minor) * pieces)]
                    for minor, pieces in sorted(report["counted"].items(), key=lambda one: -int(one[0]))
                ],
            },
        ],
        "sums": [
            [_("In the till at the opening"), money(report["float_minor"])],
            [_("Should be in the till at the closing"), money(report["expected_minor"])],
            [_("Counted"), money(report["counted_minor"])],
            [_("Over") if difference >= 0 else _("Short"), money(abs(difference))],
            [_("Stays in the till"), money(report["left_minor"])],
        ],
        "signatures": [_("Cashier"), _("Received by")],
    }


def _instant(text: str, language: str) -> str:
    instant = timezone.localtime(datetime.fromisoformat(text))
    return f"{date_text(instant.date(), language=language)} {instant:%H:%M}"
