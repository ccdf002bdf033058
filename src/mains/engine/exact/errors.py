"""Why one account could not be rated."""

from mains.kernel.errors import MainsError


class UnableToRate(MainsError):
    """A fact or a clause that the calculation needs is missing or impossible. `place` names the clause."""
