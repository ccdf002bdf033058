"""Know a bank's file by its content and read it whole."""

import re
from datetime import date

from mains.integrations.bank_files.camt import read_camt
from mains.integrations.bank_files.checks import check_file
from mains.integrations.bank_files.client_bank import read_client_bank
from mains.integrations.bank_files.client_bank_sections import HEADER
from mains.integrations.bank_files.swift import read_swift
from mains.payments.values import BankFileRead, Fault

MAX_BYTES = 128 * 1024 * 1024
_HEAD = 4_096
_SWIFT_TAG = re.compile(rb"(?:^|[\r\n]|\{4:\s*):(?:20|25P?|28C?|60[FM]):")


def sniff(content: bytes) -> str:
    """`camt`, `swift` or `client_bank` by the first bytes, whatever the file is called; '' for none of them."""
    head = content[:_HEAD]
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[: len(head) // 2 * 2].decode(name, "replace").encode("utf-8", "replace")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return "camt"
    if text.startswith(HEADER.encode()):
        return "client_bank"
    return "swift" if _SWIFT_TAG.search(head) else ""


def read_bank_file(content: bytes, *, today: date) -> BankFileRead:
    """Statements of the file, or every fault in it; nothing is raised, whatever the bytes are."""
    form = sniff(content)
    if not content.strip():
        return BankFileRead(form=form, faults=[Fault(code="file-empty")])
    if len(content) > MAX_BYTES:
        return BankFileRead(
            form=form, faults=[Fault(code="file-too-large", params={"limit_mib": MAX_BYTES // 1024 // 1024})]
        )
    if form == "camt":
        found = read_camt(content)
    elif form == "client_bank":
        found = read_client_bank(content)
    elif form == "swift":
        found = read_swift(content)
    else:
        return BankFileRead(form="", faults=[Fault(code="format-unknown")])
    if not found.faults and not found.statements:
        found.note("file-empty")
    return check_file(found, today=today)
