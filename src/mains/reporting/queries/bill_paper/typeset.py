"""Setting bills with Typst: the template is ours, the data are plain JSON, so no text becomes markup.

The fonts come with Mains; more of them (for Chinese, say) may be put into MAINS_HOME/fonts.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import typst

from mains.base.places import home_folder
from mains.reporting.queries.bill_paper.content import UnableToPrintBill
from mains.reporting.queries.bill_paper.printed import Texts

_CONTEXT = Path(__file__).resolve().parents[2]
_TEMPLATES = _CONTEXT / "templates" / "reporting"
_FONTS = _CONTEXT / "fonts"
# What the bundled fonts print: Latin with all its accents, Cyrillic, signs of currencies and arithmetic.
_PRINTED = (
    range(0x20, 0x7F),
    range(0xA0, 0x250),
    range(0x2B0, 0x370),
    range(0x400, 0x530),
    range(0x1E00, 0x1F00),
    range(0x2000, 0x20C0),
    range(0x2100, 0x2270),
)


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that a PDF carries with it: the same document in another form (PDF/A-3, relationship Alternative)."""

    name: str
    media_type: str
    description: str
    content: str


def set_bills(bills: Sequence[Texts], *, attachment: Attachment | None = None) -> bytes:
    """One PDF (PDF/UA-1, A4) of the bills in order, each from a page of its own; the same texts give the same bytes.
    With an attachment it is PDF/A-3a too.

    Raises UnableToPrintBill when a bill has a letter that no font at hand can print.
    """
    for bill in bills:
        check_letters(bill)
    return _set("bill.typ", "bills", bills, attachment=attachment)


def set_protocol(protocol: Texts) -> bytes:
    """The calculation protocol of a bill, as `set_bills`."""
    check_letters(protocol)
    return _set("protocol.typ", "protocol", protocol)


def set_statement(statement: Texts) -> bytes:
    """A statement as one table, as `set_bills`."""
    check_letters(statement)
    return _set("statement.typ", "statement", statement)


def set_desk_receipt(receipt: Texts) -> bytes:
    """A receipt of a cash desk, as `set_bills`."""
    check_letters(receipt)
    return _set("desk_receipt.typ", "receipt", receipt)


def draw_desk_receipt(receipt: Texts) -> bytes:
    """The same paper as a picture (SVG, one page). Raises UnableToPrintBill as `set_bills`."""
    check_letters(receipt)
    drawn = _compiler("desk_receipt.typ", os.fspath(home_folder() / "fonts")).compile(
        format="svg", sys_inputs={"receipt": json.dumps(receipt, ensure_ascii=False)}
    )
    assert isinstance(drawn, bytes)  # one page comes as bytes
    return drawn


def set_shift_report(report: Texts) -> bytes:
    """The report of a cashier's shift, as `set_bills`."""
    check_letters(report)
    return _set("shift_report.typ", "report", report)


def set_agreement(agreement: Texts) -> bytes:
    """The agreement of an instalment plan, as `set_bills`."""
    check_letters(agreement)
    return _set("agreement.typ", "agreement", agreement)


def set_invoice(invoice: Texts) -> bytes:
    """An invoice above the bills, as `set_bills`."""
    check_letters(invoice)
    return _set("invoice.typ", "invoice", invoice)


def _set(template: str, name: str, texts: object, *, attachment: Attachment | None = None) -> bytes:
    inputs = {name: json.dumps(texts, ensure_ascii=False)}
    if attachment is not None:
        inputs["attachment"] = json.dumps(asdict(attachment), ensure_ascii=False)
    made = _compiler(template, os.fspath(home_folder() / "fonts")).compile(
        format="pdf",
        sys_inputs=inputs,
        pdf_standards=["ua-1"] if attachment is None else ["ua-1", "a-3a"],
        timestamp=0,
    )
    assert isinstance(made, bytes)  # without an output file a PDF comes as bytes
    return made


@cache
def _compiler(template: str, more_fonts: str) -> typst.Compiler:
    folders = [os.fspath(_FONTS), *([more_fonts] if Path(more_fonts).is_dir() else [])]
    return typst.Compiler(
        input=os.fspath(_TEMPLATES / template),
        root=os.fspath(_TEMPLATES),
        font_paths=folders,
        ignore_system_fonts=True,
    )


def check_letters(bill: Texts) -> None:
    """Raises UnableToPrintBill for a letter that the bundled fonts lack, unless there are more fonts."""
    if (home_folder() / "fonts").is_dir():
        return
    text = json.dumps({name: value for name, value in bill.items() if name != "codes"}, ensure_ascii=False)
    missing = {letter for letter in text if not any(ord(letter) in letters for letters in _PRINTED)}
    if missing:
        raise UnableToPrintBill(
            code="no-font",
            message=f"No font at hand prints {', '.join(sorted(missing)[:5])}.",
            place=f"bill {bill['number']}",
            remedy=f"Put a font that has these letters (such as Noto Sans SC) into {home_folder() / 'fonts'}.",
        )
