"""Registration of the context with Django."""

from django.apps import AppConfig


class BalanceConfig(AppConfig):
    name = "mains.balance"
    label = "balance"
