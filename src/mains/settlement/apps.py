"""Registration of the context with Django."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "mains.settlement"
    label = "settlement"

    def ready(self) -> None:
        """Payments tell when money was booked or taken back, and when a bank file was accepted."""
        from mains.payments import events
        from mains.settlement import subscribers

        events.on_money_moved(subscribers.split_what_moved)
        events.on_bank_file_accepted(subscribers.book_orders_of_bank)
