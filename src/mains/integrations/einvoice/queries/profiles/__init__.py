"""The port of profiles: what a document conforms to, how it is written, and what it wants beyond the norm.

A national profile is a class like those of `profiles.european` and `profiles.ubl_tr`, entered here under its name.
"""

from collections.abc import Mapping
from types import MappingProxyType

from mains.integrations.einvoice.queries.profiles.european import CII as CII_PROFILE
from mains.integrations.einvoice.queries.profiles.european import EN16931, PEPPOL
from mains.integrations.einvoice.queries.profiles.port import Profile
from mains.integrations.einvoice.queries.profiles.ubl_tr import UBL_TR_PROFILES
from mains.integrations.einvoice.values.invoice import Invoice
from mains.integrations.einvoice.values.legal import UnableToMakeInvoice

__all__ = ["CII_PROFILE", "PROFILES", "Profile", "get_profile", "write_document"]

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (PEPPOL, EN16931, CII_PROFILE, *UBL_TR_PROFILES)}
)


def get_profile(name: str) -> Profile:
    """The profile of a name. Raises UnableToMakeInvoice."""
    if name not in PROFILES:
        raise UnableToMakeInvoice(
            code="no-profile",
            message=f"There is no profile {name!r}.",
            place="profile",
            remedy=f"Choose one of {', '.join(PROFILES)}.",
            params={"name": name, "names": ", ".join(PROFILES)},
        )
    return PROFILES[name]


def write_document(invoice: Invoice, *, profile: Profile) -> bytes:
    """The document of an invoice in a profile.

    Raises UnableToMakeInvoice with every problem that people have to mend first.
    """
    problems = profile.list_problems(invoice)
    if problems:
        raise UnableToMakeInvoice(
            code="invoice-incomplete",
            message=" ".join(f"{problem.message} ({problem.rule})" for problem in problems),
            place=f"bill {invoice.number}",
            remedy=" ".join(dict.fromkeys(problem.remedy for problem in problems)),
        )
    return profile.write(invoice)
