"""Registration of the context with Django."""

from django.apps import AppConfig


class InvoicingConfig(AppConfig):
    name = "mains.invoicing"
    label = "invoicing"
