"""What can be wrong with a file that brings money: every text with its remedy, and the fault itself."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

from mains.payments.values.bank_faults import BANK_FAULT_TEXTS

# Code of a fault → what is wrong, and what to do. Placeholders are the fault's params.
FAULT_TEXTS: dict[str, tuple[str | Promise, str | Promise]] = {
    "file-empty": (_("The file has no payments."), _("Ask the sender for the file again.")),
    "file-too-large": (
        _("The file is larger than %(limit_mib)s MiB."),
        _("Ask the sender for several smaller registers."),
    ),
    "file-binary": (
        _("The file is not text."),
        _("Save it as delimited text: a spreadsheet or an archive cannot be read as it is."),
    ),
    "file-encoding": (
        _("The file is not written in %(expected)s; byte %(column)s of the line does not fit."),
        _("Save it in %(expected)s, or choose the mapping of this sender. %(hint)s"),
    ),
    "file-cut-short": (
        _("The control line that begins with “%(marker)s” is missing: the file was cut short."),
        _("Fetch the file from the sender again."),
    ),
    "file-after-trailer": (
        _("There are lines after the control line."),
        _("Two files may have been joined: import each one by itself."),
    ),
    "table-invalid": (
        _("The file is no table in the format %(what)s."),
        _("Choose the mapping of this sender, or ask for the file in this format."),
    ),
    "table-broken": (
        _("The workbook cannot be read: %(what)s."),
        _("Fetch the file from the sender again, or save it anew as xlsx."),
    ),
    "table-count": (
        _("The head of the table counts %(stated)s records; the file has %(found)s."),
        _("Fetch the file from the sender again: it was cut short or joined."),
    ),
    "header-missing": (
        _("The first line does not name the columns %(columns)s."),
        _("Add the header line, or choose the mapping of this sender."),
    ),
    "header-column": (
        _("The column “%(column)s” is in the header %(times)s times instead of once."),
        _("Correct the header line, or choose the mapping of this sender."),
    ),
    "line-too-long": (
        _("The line has %(length)s characters; at most %(limit)s can be right."),
        _("Check the file: a line end may be missing."),
    ),
    "line-fields": (
        _("The line has %(found)s fields instead of %(expected)s."),
        _("Check the delimiter; a field that contains it must stand in double quotes."),
    ),
    "line-quotes": (
        _("A quotation mark is not closed or stands inside a field."),
        _("Put the field in double quotes and double the quotation marks inside it."),
    ),
    "amount-invalid": (
        _("“%(value)s” is not an amount."),
        _("Write it with digits and at most two decimals, as in 1250%(separator)s40."),
    ),
    "amount-not-positive": (
        _("The amount %(value)s is not more than zero."),
        _("Leave it out: returns and refunds are not payments."),
    ),
    "amount-too-large": (_("The amount %(value)s is too large to be right."), _("Correct the amount.")),
    "date-invalid": (
        _("“%(value)s” is not a date of the form %(form)s."),
        _("Correct the date, or choose the mapping of this sender."),
    ),
    "date-in-future": (
        _("The date %(value)s is after today, %(today)s."),
        _("Correct the date: a payment cannot be dated in the future."),
    ),
    "reference-missing": (_("The reference is empty."), _("Give each payment the sender's own number.")),
    "reference-too-long": (
        _("The reference has %(length)s characters; at most %(limit)s are kept."),
        _("Use the sender's own short number of the payment."),
    ),
    "reference-twice": (
        _("The reference “%(value)s” is on line %(first_line)s already."),
        _("Leave out the second line, or give the payment its own reference."),
    ),
    "reference-known": (
        _("The sender's payment “%(value)s” was received before, in %(register)s."),
        _("Leave out the line: that money is booked."),
    ),
    "text-too-long": (
        _("The text has %(length)s characters; at most %(limit)s are kept."),
        _("Shorten the text, or check the delimiter."),
    ),
    "text-control": (_("The text contains control characters."), _("Check the encoding of the file.")),
    "trailer-invalid": (
        _("The control line cannot be read."),
        _("It gives the number of payments and their total, as in the mapping."),
    ),
    "trailer-count": (
        _("The control line counts %(stated)s payments; the file has %(found)s."),
        _("Fetch the file from the sender again: lines are missing or were added."),
    ),
    "trailer-total": (
        _("The control line gives the total %(stated)s; the lines sum to %(found)s."),
        _("Ask the sender for a corrected file: an amount was changed or lost."),
    ),
    **BANK_FAULT_TEXTS,
    "faults-more": (
        _("There are %(count)s faults more."),
        _("Correct the ones above first; the cause is often the same."),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong in a file. `line` counts from 1 (0: the whole file); `field` is the mapping's field, the
    element, the tag or the key.
    """

    code: str
    line: int = 0
    field: str = ""
    params: Mapping[str, str | int] = dataclasses.field(default_factory=dict)

    @property
    def message(self) -> str:
        """What is wrong, in the reader's language."""
        return translate_fault(FAULT_TEXTS[self.code][0], self.params)

    @property
    def remedy(self) -> str:
        """What to do about it, in the reader's language."""
        return translate_fault(FAULT_TEXTS[self.code][1], self.params).strip()

    def as_json(self) -> dict[str, object]:
        return {"code": self.code, "line": self.line, "field": self.field, "params": dict(self.params)}


def translate_fault(text: str | Promise, params: Mapping[str, str | int]) -> str:
    return str(text) % params


def place_of(fault: Fault, *, file_name: str) -> str:
    """`april.csv, line 12, field amount`, in the reader's language."""
    parts = [file_name]
    if fault.line:
        parts.append(translate("line %(line)s") % {"line": fault.line})
    if fault.field:
        parts.append(translate("field %(field)s") % {"field": fault.field})
    return ", ".join(parts)
