"""Registration of the context with Django."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "mains.documents"
    label = "documents"
