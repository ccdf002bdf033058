"""Registration of the context with Django."""

from django.apps import AppConfig


class DirectDebitConfig(AppConfig):
    name = "mains.directdebit"
    label = "directdebit"

    def ready(self) -> None:
        """Payments tell when a bank file was accepted."""
        from mains.directdebit import subscribers
        from mains.payments import events

        events.on_bank_file_accepted(subscribers.book_what_banks_show)
