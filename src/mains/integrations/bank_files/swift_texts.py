"""Field 86: what a payment is for and who paid, in the three ways that banks write it.

`166?00…?20…?32…` (Germany, Austria, Poland, Russia …), `/EREF/…/REMI/…` (SEPA code words of the Netherlands
and others), or free text.
"""

import re
from dataclasses import replace

from mains.integrations.bank_files.numbers import clean_account, is_iban
from mains.payments.values import BankLine

_NUMBERED = re.compile(r"\s*[0-9]{3}\s*([^0-9A-Za-z\s/])[0-9]{2}")
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC)\+")
_CODES = (
    "ACCW|ADDR|BENM|BIC|CDTRREF|CHGS|CNTP|CREF|CSID|EREF|EXCH|IBAN|ID|INIT|IREF|ISDT|KREF|MARF|NAME|NRTX|"
    "OCMT|ORDP|PREF|PURP|REMI|RTRN|RTYP|SWIF|SUM|SVCL|TRCD|TRTP|TYPE|UDTR|ULTB|ULTC|ULTD"
)
_CODE = re.compile(rf"/({_CODES})/")
_STRUCTURED = re.compile(r"(?:/?STRD/(?:CUR/|ISO/)?|/CDTRREF/|CdtrRef/)([A-Z0-9]{2,35})")
_RF = re.compile(r"\bRF[0-9]{2}[A-Z0-9 ]{1,26}")


def with_text(line: BankLine, text: str) -> BankLine:
    """The line with what its field 86 tells of payer, references and purpose."""
    if not text.strip():
        return line
    match = _NUMBERED.match(text)
    if match:
        return _numbered(line, text, match[1])
    joined = text.replace("\n", "")
    if _CODE.search(joined):
        return _coded(line, joined)
    return _sepa_words(line, " ".join(text.split()))


def _numbered(line: BankLine, text: str, mark: str) -> BankLine:
    parts: dict[int, str] = {}
    for piece in text.replace("\n", "").split(mark)[1:]:
        if piece[:2].isascii() and piece[:2].isdigit():
            parts[int(piece[:2])] = parts.get(int(piece[:2]), "") + piece[2:]
    purpose = "".join(parts[key] for key in sorted(parts) if 20 <= key <= 29 or 60 <= key <= 63)
    return _sepa_words(
        line,
        purpose or parts.get(0, ""),
        name=(parts.get(32, "") + parts.get(33, "")).strip(),
        account=clean_account(parts.get(31) or parts.get(38, ""))[0],
    )


def _sepa_words(line: BankLine, purpose: str, *, name: str = "", account: str = "") -> BankLine:
    """`EREF+…SVWZ+…` within the purpose; the purpose itself where there are no such words. `name` and `account` of the
    payer count before those of the words."""
    marks = list(_SEPA.finditer(purpose))
    words = _words(purpose, marks)
    text = words.get("SVWZ") if marks else purpose.strip()
    if text is None:
        text = purpose[: marks[0].start()].strip()
    reference = words.get("EREF", "")
    return replace(
        line,
        remittance=text or line.remittance,
        end_to_end_id=line.end_to_end_id if reference.upper() in ("", "NOTPROVIDED") else reference,
        structured_reference=_creditor_reference(text),
        payer_name=name or words.get("ABWA", line.payer_name),
        payer_account=account or words.get("IBAN", line.payer_account),
        batch_id=words.get("KREF", ""),
    )


def _words(text: str, marks: list[re.Match[str]]) -> dict[str, str]:
    """What stands behind each mark, up to the next one."""
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return {mark[1]: text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False)}


def _coded(line: BankLine, text: str) -> BankLine:
    """`/EREF/x//CNTP/iban/bic/name/city//REMI/USTD//text/`."""
    marks = list(_CODE.finditer(text))
    words = {code: word.rstrip("/") for code, word in _words(text, marks).items()}
    party = words.get("CNTP", "").split("/")
    # Rabobank names the other side within ORDP or BENM, ABN AMRO at the top.
    name = words.get("NAME") or (party[2] if len(party) > 2 else "")
    account = words.get("IBAN") or words.get("ACCW", "").partition(",")[0] or party[0]
    remittance = words.get("REMI", "")
    structured = _STRUCTURED.search(text)
    for head in ("USTD//", "USTD/", "STRD/CUR/", "STRD/ISO/", "STRD/"):
        remittance = remittance.removeprefix(head)
    reference = words.get("EREF", "")
    return replace(
        line,
        remittance=remittance.strip("/ ") or text[: marks[0].start()].strip() or line.remittance,
        end_to_end_id=line.end_to_end_id if reference.upper() in ("", "NOTPROVIDED") else reference,
        structured_reference=structured[1] if structured else _creditor_reference(remittance),
        batch_id=words.get("PREF", ""),
        return_code=words.get("RTRN", "")[:4],
        payer_name=name.strip(),
        payer_account=clean_account(account)[0] if is_iban(clean_account(account)[0]) else account.strip(),
    )


def _creditor_reference(text: str) -> str:
    """A creditor reference of ISO 11649 in the text; '' when its check number is wrong."""
    for match in _RF.finditer(text):
        letters = match[0].split(" ")
        for end in range(len(letters), 0, -1):
            candidate = "".join(letters[:end])
            if 5 <= len(candidate) <= 25 and is_creditor_reference(candidate):
                return candidate
    return ""


def is_creditor_reference(text: str) -> bool:
    """Whether the text is `RF`, two check digits (ISO 7064, modulo 97-10) and a reference."""
    if not re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1
