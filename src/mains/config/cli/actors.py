"""The person who answers for what a command writes."""

from typing import TYPE_CHECKING

from mains.kernel.errors import MainsError

if TYPE_CHECKING:
    from mains.staff.models import User


class UnableToFindActor(MainsError):
    """Nobody has that user name."""


def find_actor(user_name: str) -> "User | None":
    """The user of that name; None for no name: the command then writes without an author. Raises UnableToFindActor."""
    from mains.staff.models import User

    if not user_name:
        return None
    found = User.objects.filter(username=user_name, is_active=True).first()
    if found is None:
        raise UnableToFindActor(
            code="user-unknown",
            message=f"There is no active user {user_name}.",
            place="option --by",
            remedy="Give the user name with which the person signs in.",
        )
    return found
