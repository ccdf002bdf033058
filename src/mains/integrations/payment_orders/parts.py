"""The parts that both kinds of file share, by their names in ISO 20022."""

from collections.abc import Iterable

from lxml import etree
from stdnum import bic, iban
from stdnum.iso11649 import compact as compact_reference
from stdnum.iso11649 import is_valid as is_creditor_reference

from mains.integrations.payment_orders.characters import sepa_text
from mains.integrations.payment_orders.values import BankParty, FileHead

Element = etree._Element


class PainWriter:
    """Writes a document of one ISO 20022 message; `message` is such as `pain.001.001.09`. Names and words are put into
    SEPA's letters, outside SEPA they stay as they are."""

    def __init__(self, *, message: str, is_sepa: bool = True) -> None:
        self._letters = sepa_text if is_sepa else _plain
        self._namespace = f"urn:iso:std:iso:20022:tech:xsd:{message}"
        none: dict[None, str] = {None: self._namespace}
        self.root = etree.Element(f"{{{self._namespace}}}Document", nsmap=none)

    def group(self, parent: Element, *path: str) -> Element:
        """Elements in each other; the innermost."""
        for name in path:
            parent = etree.SubElement(parent, f"{{{self._namespace}}}{name}")
        return parent

    def text(self, parent: Element, path: str, text: str) -> None:
        """An element with text at a path such as `PmtTpInf/SvcLvl/Cd`; none without text."""
        if text:
            self.group(parent, *path.split("/")).text = text

    def amount(self, parent: Element, name: str, minor: int, currency: str) -> None:
        element = self.group(parent, name)
        element.text = sum_text(minor)
        element.set("Ccy", currency)

    def content(self) -> bytes:
        etree.indent(self.root)
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8") + b"\n"

    def head(self, parent: Element, head: FileHead, amounts: Iterable[int]) -> None:
        """GrpHdr with number and control sum of all orders of the file."""
        found = list(amounts)
        group = self.group(parent, "GrpHdr")
        self.text(group, "MsgId", head.identifier)
        self.text(group, "CreDtTm", head.created_at.isoformat(timespec="seconds"))
        self.sums(group, found)
        initiator = self.group(group, "InitgPty")
        self.text(initiator, "Nm", self._letters(head.initiator))
        self.text(initiator, "Id/OrgId/Othr/Id", head.initiator_id)

    def sums(self, parent: Element, amounts: Iterable[int]) -> None:
        found = list(amounts)
        self.text(parent, "NbOfTxs", str(len(found)))
        self.text(parent, "CtrlSum", sum_text(sum(found)))

    def party(self, parent: Element, name: str, party: BankParty) -> None:
        element = self.group(parent, name)
        self.text(element, "Nm", self._letters(party.name))
        self.text(element, "PstlAdr/Ctry", party.country)

    def account(self, parent: Element, name: str, party: BankParty) -> None:
        if party.iban:
            self.text(parent, f"{name}/Id/IBAN", iban.compact(party.iban))
        else:
            self.text(parent, f"{name}/Id/Othr/Id", party.account)

    def bank(self, parent: Element, name: str, party: BankParty, *, needed: bool) -> None:
        """The agent: by its BIC, or as not provided where the message needs an agent."""
        if party.bic:
            self.text(parent, f"{name}/FinInstnId/BICFI", bic.compact(party.bic))
        elif party.clearing_member:
            member = self.group(parent, name, "FinInstnId", "ClrSysMmbId")
            self.text(member, "ClrSysId/Cd", party.clearing_system)
            self.text(member, "MmbId", party.clearing_member)
        elif needed:
            self.text(parent, f"{name}/FinInstnId/Othr/Id", "NOTPROVIDED")

    def remittance(self, parent: Element, reference: str) -> None:
        """Structured for a creditor reference, else in words."""
        if is_creditor_reference(reference):
            information = self.group(parent, "RmtInf", "Strd", "CdtrRefInf")
            self.text(information, "Tp/CdOrPrtry/Cd", "SCOR")
            self.text(information, "Ref", compact_reference(reference))
        else:
            self.text(parent, "RmtInf/Ustrd", self._letters(reference))


def _plain(text: str) -> str:
    return " ".join(text.split())


def sum_text(minor: int) -> str:
    """An amount with two decimals and a point."""
    return f"{minor // 100}.{minor % 100:02d}"
