"""How the providers' rules say no."""

from mains.payments.values.online import ProviderRefusal, UnableToReachProvider, UnableToTrustCallback


def untrusted(code: str) -> UnableToTrustCallback:
    """A call-back that is not the provider's, too old, or not for us; `code` says which."""
    return UnableToTrustCallback(
        code=code,
        message="The call-back is not signed by the provider, too old, or not for us.",
        place="call-back",
        remedy="If the provider changed its keys, put the new ones into the environment; it calls again.",
    )


def refused(place: str, code: str) -> ProviderRefusal:
    """The provider answered no; `code` is its own word for why."""
    return ProviderRefusal(
        code="provider-refused",
        message=f"The provider refused: {code}.",
        place=place,
        remedy="Nothing was changed. See the provider's list of codes.",
        params={"code": code},
    )


def not_sure(place: str, what: str) -> UnableToReachProvider:
    """Nobody knows what the provider did."""
    return UnableToReachProvider(
        code="provider-silent",
        message="The provider gave no answer that tells what it did.",
        place=f"{place}: {what}",
        remedy="It is asked again by itself.",
    )
