"""Registration of the context with Django."""

from django.apps import AppConfig


class DebtConfig(AppConfig):
    name = "mains.debt"
    label = "debt"
