"""Bill an account at its door: the officer's readings and a bill of the open month up to that day, in one transaction.

The account goes on: the month's run posts what is left of the month, and nothing twice. A key makes a bill once,
however often the field app sends it, also days after it was made without a connection.
"""

from mains.billing.actions.on_site.billing import OnSiteResult, bill_on_site, find_on_site, preview_on_site
from mains.billing.actions.on_site.orders import OnSiteOrder, Position, UnableToBillOnSite

__all__ = [
    "OnSiteOrder",
    "OnSiteResult",
    "Position",
    "UnableToBillOnSite",
    "bill_on_site",
    "find_on_site",
    "preview_on_site",
]
