"""The calculation protocol: a bill's every amount with its whole formula tree, as PDF in the reader's language."""

from collections.abc import Iterator
from datetime import date
from itertools import groupby

from django.utils.translation import gettext as _

from mains.base.formats import date_text, money_text, month_inside_text, month_text
from mains.billing.queries.explain import explain_corrections
from mains.billing.queries.explain.results import LineExplanation
from mains.billing.values import LineKind
from mains.documents.queries.files import UnableToOpenFile, kinds_of_files, read_small_picture
from mains.documents.values import FileKind
from mains.reporting.queries.bill_paper.change_wording import change_rows, step_rows
from mains.reporting.queries.bill_paper.content import BillContent
from mains.reporting.queries.bill_paper.explained import ExplainedStep, worded
from mains.reporting.queries.bill_paper.printed import Texts, address_lines

PHOTO_EDGE_PIXELS = 320


def protocol_texts(content: BillContent, *, language: str) -> Texts:
    """What the protocol's template sets, in `language`, which must be the active one, as plain JSON."""
    bill = content.bill
    explained = content.explained
    rows = sorted(
        explained.lines, key=lambda line: (line.service_month != bill.month, -line.service_month.toordinal())
    )
    return {
        "language": language.partition("-")[0],
        "title": _("Calculation protocol"),
        "number": content.number,
        "head": [
            [_("Bill"), f"{content.number}, {month_text(bill.month, language=language)}"],
            [_("Issued"), date_text(bill.issued_on, language=language)],
            [_("Account"), content.addressee.account_number],
            [_("Customer"), content.addressee.customer_name],
            [_("Address"), ", ".join(address_lines(content.place))],
            [_("To pay for this bill"), _money(content, bill.amount_minor, language)],
        ],
        "labels": {
            "page": _("Page"),
            "change": _("Why it is more or less than the last bill"),
            "photos": _("Photos and scans of the readings"),
            "note": _(
                "Every number comes from a fact that was recorded before the bill. The amounts were computed"
                " again, exactly, for this protocol, and are those of the bill."
            ),
        },
        "change": change_rows(content.change, unit=content.unit, language=language),
        "groups": [
            _group(content, month, list(lines), language=language)
            for month, lines in groupby(rows, key=lambda line: line.service_month)
        ]
        + _carried(content),
        "photos": _photos(content),
    }


def _carried(content: BillContent) -> list[Texts]:
    """What the bill leaves to the next, with the trees of it; no group where the tariffs carry nothing."""
    lines = [[*_rows(worded(balance.tree), depth=0)] for balance in content.explained.balances]
    return [{"title": _("Carried to the next bill"), "causes": [], "lines": lines}] if lines else []


def _photos(content: BillContent) -> list[Texts]:
    """The photos of the readings behind the bill, each once: its caption, and the bytes of a small JPEG as numbers,
    for the template takes no other form. A file that is gone or no picture has its hash alone."""
    trees = [worded(line.tree) for line in content.explained.lines]
    captions: dict[str, str] = {}
    for tree in trees:
        for reading, photo in _photos_in(tree):
            captions.setdefault(photo.file, f"{reading.label}, {reading.source}")
    kinds = kinds_of_files(hashes=list(captions))
    return [
        {"caption": caption, "hash": sha256, "data": list(_small(sha256, kinds.get(sha256)))}
        for sha256, caption in captions.items()
    ]


def _photos_in(step: ExplainedStep) -> Iterator[tuple[ExplainedStep, ExplainedStep]]:
    """Each reading with each of its photos."""
    for child in step.children:
        if child.file:
            yield step, child
        yield from _photos_in(child)


def _small(sha256: str, kind: FileKind | None) -> bytes:
    if kind is None or not kind.is_picture:
        return b""
    try:
        return read_small_picture(sha256=sha256, kind=kind, edge_pixels=PHOTO_EDGE_PIXELS)
    except UnableToOpenFile:
        return b""


def _group(content: BillContent, month: date, lines: list[LineExplanation], *, language: str) -> Texts:
    is_correction = month < content.bill.month
    inside = month_inside_text(month, language=language)
    return {
        "title": _("Recalculation of %(month)s") % {"month": inside}
        if is_correction
        else month_text(month, language=language),
        "causes": _causes(content, month, language=language) if is_correction else [],
        "lines": [_line(content, line, language=language) for line in lines],
    }


def _line(content: BillContent, line: LineExplanation, *, language: str) -> list[Texts]:
    """The line's tree from top to bottom; on top the amount as it stands on the bill."""
    first, *rest = _rows(worded(line.tree), depth=0)
    label = first["label"]
    if line.posted.kind == LineKind.TAX_INCLUDED:
        label = f"{label} ({_('included in the price')})"
    return [first | {"label": label, "value": _money(content, line.amount_minor, language)}, *rest]


def _rows(step: ExplainedStep, *, depth: int) -> Iterator[Texts]:
    """The tree from top to bottom, each step with how deep it stands; the intervals of days only on the screen."""
    more = [text for text in (step.formula, step.note, step.source) if text]
    yield {
        "depth": depth,
        "label": step.label,
        "value": f"{step.value}\N{NO-BREAK SPACE}{step.unit}" if step.unit else step.value,
        "more": " · ".join(more),
    }
    for child in () if step.has_details else step.children:
        yield from _rows(child, depth=depth + 1)


def _causes(content: BillContent, month: date, *, language: str) -> list[list[str]]:
    found = explain_corrections(month=content.bill.month, bill_id=content.bill.id)
    steps = [step for each in found if each.service_month == month for step in each.steps]
    return step_rows(steps, unit=content.unit, language=language)


def _money(content: BillContent, minor: int, language: str) -> str:
    return money_text(minor, currency=content.currency, language=language)
