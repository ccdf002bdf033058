"""Registration of the context with Django."""

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    name = "mains.reporting"
    label = "reporting"
