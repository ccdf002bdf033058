"""Registration of the context with Django."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "mains.payments"
    label = "payments"
