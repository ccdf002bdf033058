"""Words of receipts that arrive by machine, and what a provider's rules give and take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _

from mains.kernel.errors import MainsError


class ChannelKind(models.TextChoices):
    """Who collects for the utility."""

    AGENT = "agent", _("Agent")
    WALLET = "wallet", _("Wallet")
    CARD = "card", _("Cards")


class TokenScope(models.TextChoices):
    """What a token of an agent may do; every operation needs exactly one."""

    INQUIRE = "inquire", _("Ask what an account owes")
    PAY = "pay", _("Pay and look up payments")
    CANCEL = "cancel", _("Cancel payments")
    RECONCILE = "reconcile", _("Reconcile days")


class OrderState(models.TextChoices):
    """What became of an order. UNCLEAR: the provider may have taken the money and has not said so."""

    OPEN = "open", _("Waits for the customer")
    UNCLEAR = "unclear", _("Unclear, the provider is being asked")
    PAID = "paid", _("Paid")
    EXPIRED = "expired", _("Expired unpaid")
    FAILED = "failed", _("Refused by the provider")
    REFUNDING = "refunding", _("Refund under way")
    REFUNDED = "refunded", _("Refunded")


class LetterOperation(models.TextChoices):
    """Which call came to nothing."""

    CALLBACK = "callback", _("Call-back")
    PAY = "pay", _("Payment of an agent")
    QUERY = "query", _("Question to the provider")
    REFUND = "refund", _("Refund")


class LetterState(models.TextChoices):
    OPEN = "open", _("Waits for a person")
    SETTLED = "settled", _("Settled")
    CLOSED = "closed", _("Closed by a person")


class DayDifference(models.TextChoices):
    """How one payment of a day differs between an agent's list and ours."""

    MISSING_HERE = "missing_here", _("Only in the agent's list")
    MISSING_THERE = "missing_there", _("Only in our books")
    AMOUNT = "amount", _("Another amount")
    ACCOUNT = "account", _("Another account")
    CANCELLED_HERE = "cancelled_here", _("Cancelled only with us")
    CANCELLED_THERE = "cancelled_there", _("Cancelled only by the agent")


class Outcome(models.TextChoices):
    """What a provider says of an order."""

    PAID = "paid"
    PENDING = "pending"
    CLOSED = "closed"
    REFUNDED = "refunded"
    UNPAID = "unpaid"


class UnableToReachProvider(MainsError):
    """No answer that can be trusted: nobody knows whether the provider did what it was asked. It is asked again."""


class ProviderRefusal(MainsError):
    """The provider answered, and refused for good."""


class UnableToTrustCallback(MainsError):
    """The call-back is not signed by the provider, is too old, or cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What a provider says of one order. `external_id` is the provider's own number of the payment, minor units."""

    order_number: str
    outcome: Outcome
    external_id: str = ""
    amount_minor: int = 0
    currency: str = ""
    paid_on: date | None = None
    payer: str = ""


@dataclass(frozen=True, kw_only=True)
class OrderAsked:
    """What a provider is asked to collect. `payer_id` is the customer at the provider, where its rules need one."""

    number: str
    amount_minor: int
    currency: str
    subject: str
    notify_url: str
    expires_at: datetime
    instalments: int = 1
    payer_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Started:
    """Where the customer pays; or, with `notice`, the provider has taken the money already."""

    pay_url: str
    notice: Notice | None = None


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What a provider wants to hear after a call-back."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """Of one channel: its code, what the page shows, and secrets by name, read from the environment when asked."""

    code: str
    values: Mapping[str, object]
    currency: str
    secret: Callable[[str], str]

    def text(self, name: str) -> str:
        """A setting; raises ProviderRefusal when it is missing."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise ProviderRefusal(
                code="channel-setting",
                message=f"The setting {name} of channel {self.code} is missing.",
                place=f"channel {self.code}",
                remedy=f"State it: mains online channel {self.code} --set {name}=…",
                params={"name": name, "code": self.code},
            )
        return value


class Provider(Protocol):
    """A provider's published rules, as the order and call-back core needs them.

    Calls raise UnableToReachProvider when nobody knows what happened, and ProviderRefusal when the provider refused.
    """

    def start(self, order: OrderAsked) -> Started:
        """Ask for money; the same order number twice is one order at the provider."""
        ...

    def query(self, number: str) -> Notice:
        """What became of an order."""
        ...

    def refund(self, number: str, *, refund_number: str, amount_minor: int, reason: str) -> bool:
        """Give all of a payment back, once per refund number; False while the provider is at it."""
        ...

    def read_callback(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Notice:
        """The notice in a call-back that the provider signed. Header names are lower case. Raises
        UnableToTrustCallback."""
        ...

    def acknowledge(self, *, is_taken: bool) -> Acknowledgement:
        """The answer to a call-back that was taken, or that shall come again."""
        ...
