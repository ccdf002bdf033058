"""pain.002, the customer payment status report: what the bank accepted and refused of our orders, taken to these.

Source: ISO 20022 Message Definition Report, Payments Initiation; EPC132-08 and EPC130-08. Every version is read by
local names. A report may answer the whole file, a batch, or single orders; what is said of the smaller part counts, and
where a file or a batch is accepted in part (PART), what is not named in it is accepted.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from lxml import etree

from mains.debt.actions.refunds import refunds_of_file
from mains.debt.actions.refunds import take_bank_answers as take_refund_answers
from mains.directdebit.actions.bank import debits_of_file
from mains.directdebit.actions.bank import take_bank_answers as take_debit_answers
from mains.kernel.errors import MainsError
from mains.payments.actions.status_reports import keep_status_report
from mains.payments.values.answers import BankAnswer
from mains.settlement.actions.orders import orders_of_file
from mains.settlement.actions.orders import take_bank_answers as take_order_answers

_ACCEPTED = frozenset(("ACCP", "ACTC", "ACSP", "ACSC", "ACWC", "ACCC", "ACFC", "PART"))
_REJECTED = "RJCT"
_FORBIDDEN = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_LIMIT_BYTES = 20_000_000


class UnableToReadStatusReport(MainsError):
    """The file is no status report, or is not whole; nothing was noted."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A status with its reason; `status` is empty where nothing is said."""

    status: str
    code: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class StatusReport:
    """A report as it was read: what it answers, and the status of the file, of batches and of orders."""

    message_id: str
    original_id: str
    original_kind: str
    group: Said
    batches: Mapping[str, Said]
    orders: Mapping[str, Said]
    batch_of: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TakenReport:
    """How many orders the bank accepted, refused and has not decided, and the end-to-end ids that are none of ours."""

    accepted: int
    rejected: int
    pending: int
    unknown: tuple[str, ...]
    was_known: bool


def read_status_report(content: bytes) -> StatusReport:
    """Read a report. Raises UnableToReadStatusReport: entities, broken or too large a file, another message, no
    original message named."""
    if len(content) > _LIMIT_BYTES or _FORBIDDEN.search(content.replace(b"\x00", b"")):
        raise _refusal("The file is too large, or declares entities.", "Ask the bank for the plain report.")
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refusal("The file is no XML, or is cut short.", "Fetch it from the bank once more.") from error
    group = root.find(".//{*}OrgnlGrpInfAndSts")
    if root.find("{*}CstmrPmtStsRpt") is None or group is None or not _text(group, "OrgnlMsgId"):
        raise _refusal(
            "The file is no customer payment status report (pain.002).",
            "Statements and advices are taken in on the page Payments.",
        )
    batches, orders, batch_of = {}, {}, {}
    for batch in root.iterfind(".//{*}OrgnlPmtInfAndSts"):
        batches[_text(batch, "OrgnlPmtInfId")] = _said(batch, "PmtInfSts")
    for order in root.iterfind(".//{*}TxInfAndSts"):
        named = _text(order, "OrgnlEndToEndId")
        if named:
            orders[named] = _said(order, "TxSts")
            above = order.getparent()
            batch_of[named] = _text(above, "OrgnlPmtInfId") if above is not None else ""
    return StatusReport(
        message_id=_text(root, "CstmrPmtStsRpt/GrpHdr/MsgId"),
        original_id=_text(group, "OrgnlMsgId"),
        original_kind=_text(group, "OrgnlMsgNmId"),
        group=_said(group, "GrpSts"),
        batches=batches,
        orders=orders,
        batch_of=batch_of,
    )


def take_status_report(
    *, content: bytes, file_name: str, now: datetime, actor_id: int | None = None
) -> TakenReport:
    """Read a report and take its answers to refunds, payment orders of settlement and direct debits; the same file
    twice changes nothing. Raises UnableToReadStatusReport."""
    report = read_status_report(content)
    said = {name: one for name, one in _statuses(report).items() if one.status}
    answers = [
        BankAnswer(end_to_end_id=name, is_accepted=one.status != _REJECTED, code=one.code, text=one.text)
        for name, one in said.items()
        if one.status == _REJECTED or one.status in _ACCEPTED
    ]
    with transaction.atomic():
        known: set[str] = set()
        kept = keep_status_report(
            sha256=hashlib.sha256(content).hexdigest(),
            message_id=report.message_id,
            original_id=report.original_id,
            original_kind=report.original_kind,
            file_name=file_name,
            now=now,
            actor_id=actor_id,
            take=lambda: _take(answers, said, known, now=now),
        )
    states = [one["status"] for one in kept.answers]
    return TakenReport(
        accepted=states.count("accepted"),
        rejected=states.count("rejected"),
        pending=states.count("pending"),
        unknown=tuple(one["end_to_end_id"] for one in kept.answers if one["status"] == "unknown"),
        was_known=not kept.is_new,
    )


def _take(
    answers: Sequence[BankAnswer], said: Mapping[str, Said], known: set[str], *, now: datetime
) -> list[dict[str, str]]:
    takers: tuple[Callable[..., set[str]], ...] = (
        take_refund_answers,
        take_order_answers,
        take_debit_answers,
    )
    for take in takers:
        known |= take(answers=answers, now=now)
    decided = {one.end_to_end_id: one for one in answers}
    rows = []
    for name, one in said.items():
        status = "pending" if name not in decided else "accepted" if decided[name].is_accepted else "rejected"
        status = status if name in known or status == "pending" else "unknown"
        rows.append({"end_to_end_id": name, "status": status, "code": one.code, "text": one.text})
    return rows


def _statuses(report: StatusReport) -> dict[str, Said]:
    """What holds for each order: what is said of itself, else of its batch, else of the file."""
    found = dict.fromkeys(_orders_of_file(report.original_id), report.group)
    for batch, said in report.batches.items():
        for name in debits_of_file(identifier=report.original_id, batch=batch):
            found[name] = said if said.status else found.get(name, said)
        if said.status and batch == f"{report.original_id}-1"[:35]:
            # A file of refunds has one batch.
            found |= dict.fromkeys(refunds_of_file(identifier=report.original_id), said)
    for name, said in report.orders.items():
        above = report.batches.get(report.batch_of[name], report.group)
        found[name] = said if said.status else above if above.status else report.group
    return found


def _orders_of_file(identifier: str) -> list[str]:
    return [
        *refunds_of_file(identifier=identifier),
        *orders_of_file(identifier=identifier),
        *debits_of_file(identifier=identifier),
    ]


def _said(element: etree._Element, status: str) -> Said:
    reason = element.find("{*}StsRsnInf")
    code = _text(reason, "Rsn/Cd") or _text(reason, "Rsn/Prtry") if reason is not None else ""
    words = [
        found.text.strip()
        for found in (reason.iterfind("{*}AddtlInf") if reason is not None else ())
        if found.text
    ]
    return Said(status=_text(element, status), code=code[:10], text=" ".join(words)[:180])


def _text(element: etree._Element | None, path: str) -> str:
    if element is None:
        return ""
    found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _refusal(message: str, remedy: str) -> UnableToReadStatusReport:
    return UnableToReadStatusReport(
        code="status-report", message=message, place="status report", remedy=remedy
    )
