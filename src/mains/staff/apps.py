"""Registration of the context with Django."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "mains.staff"
    label = "staff"
