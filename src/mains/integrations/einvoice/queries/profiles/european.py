"""Peppol BIS Billing 3, plain EN 16931 in UBL, and EN 16931 in CII, which Factur-X and ZUGFeRD embed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mains.integrations.einvoice.queries.checks import Problem, list_peppol_problems, list_problems
from mains.integrations.einvoice.queries.cii import write_cii
from mains.integrations.einvoice.queries.ubl import Specification, write_ubl
from mains.integrations.einvoice.values.invoice import Invoice

_NORM = "urn:cen.eu:en16931:2017"


@dataclass(frozen=True, kw_only=True)
class _European:
    name: str
    title: str
    specification: Specification
    is_cii: bool = False
    problems: Callable[[Invoice], list[Problem]] = list_problems

    def suits(self, invoice: Invoice) -> bool:
        return invoice.seller.address.country != "TR"

    def list_problems(self, invoice: Invoice) -> Sequence[Problem]:
        return self.problems(invoice)

    def write(self, invoice: Invoice) -> bytes:
        write = write_cii if self.is_cii else write_ubl
        return write(invoice, specification=self.specification)


PEPPOL = _European(
    name="peppol",
    title="Peppol BIS Billing 3 (UBL 2.1)",
    specification=Specification(
        customization=f"{_NORM}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        process="urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
    ),
    problems=list_peppol_problems,
)
EN16931 = _European(
    name="en16931", title="EN 16931 (UBL 2.1)", specification=Specification(customization=_NORM)
)
CII = _European(
    name="cii",
    title="EN 16931 (UN/CEFACT CII D22B)",
    specification=Specification(customization=_NORM),
    is_cii=True,
)
