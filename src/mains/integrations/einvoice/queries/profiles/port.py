"""What every profile of electronic invoices offers."""

from collections.abc import Sequence
from typing import Protocol

from mains.integrations.einvoice.queries.checks import Problem
from mains.integrations.einvoice.values.invoice import Invoice


class Profile(Protocol):
    """A kind of document that an invoice can be written as. `name` is what commands and addresses call it."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def suits(self, invoice: Invoice) -> bool:
        """Whether such documents are usual where the seller is."""

    def list_problems(self, invoice: Invoice) -> Sequence[Problem]:
        """Rules that the document would break; empty where it can be written."""

    def write(self, invoice: Invoice) -> bytes:
        """The document; of an invoice without problems it breaks no rule of the profile."""
