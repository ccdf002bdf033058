"""Registration of the context with Django."""

from django.apps import AppConfig


class DebtConfig(AppConfig):
    name = "mains.debt"
    label = "debt"

    def ready(self) -> None:
        """Listen to what payments tells of banks' files."""
        from mains.debt import subscribers
        from mains.payments import events

        events.on_bank_file_accepted(subscribers.book_what_came_back)
