"""What people choose for themselves."""

from mains.staff.models import User


def choose_language(*, user_id: int, language: str) -> None:
    """Remember in which language a person works; it applies wherever the person signs in."""
    User.objects.filter(pk=user_id).update(language=language)
