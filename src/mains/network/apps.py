"""Registration of the context with Django."""

from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "mains.network"
    label = "network"
