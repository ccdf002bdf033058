"""Registration of the context with Django."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "mains.customers"
    label = "customers"
