"""Registration of the context with Django."""

from django.apps import AppConfig


class EinvoiceConfig(AppConfig):
    name = "mains.integrations.einvoice"
    label = "einvoice"
