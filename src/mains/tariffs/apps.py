"""Registration of the context with Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    name = "mains.tariffs"
    label = "tariffs"
