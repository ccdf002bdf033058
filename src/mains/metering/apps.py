"""Registration of the context with Django."""

from django.apps import AppConfig


class MeteringConfig(AppConfig):
    name = "mains.metering"
    label = "metering"
