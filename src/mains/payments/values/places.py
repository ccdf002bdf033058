"""Where money is that was taken anywhere but at a bank."""

from dataclasses import dataclass

from mains.ledger.values import Control


@dataclass(frozen=True, kw_only=True)
class MoneyPlace:
    """A control account, such as cash in tills, and the unit that has the money there."""

    control: Control
    organisation_id: int
