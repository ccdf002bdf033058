"""Registration of the office pages with Django."""

from django.apps import AppConfig


class OfficeConfig(AppConfig):
    name = "mains.web.office"
    label = "office"
