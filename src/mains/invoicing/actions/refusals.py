"""The refusal of everything that makes invoices."""

from mains.kernel.errors import MainsError


class UnableToInvoice(MainsError):
    """The invoice cannot be made, or the group or share is not one; nothing was kept."""
