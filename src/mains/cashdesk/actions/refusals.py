"""Why a cash desk does not do what it was asked: every refusal says what to do."""

from mains.kernel.errors import MainsError


class UnableAtDesk(MainsError):
    """Nothing was booked."""


def refusal(code: str, message: str, place: str, remedy: str, **params: str | int) -> UnableAtDesk:
    return UnableAtDesk(code=f"desk-{code}", message=message, place=place, remedy=remedy, params=params)
