"""Registration of the context with Django."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "mains.billing"
    label = "billing"
