"""Registration of the context with Django."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "mains.ledger"
    label = "ledger"
