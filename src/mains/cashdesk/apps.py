"""Registration of the context with Django."""

from django.apps import AppConfig


class CashDeskConfig(AppConfig):
    name = "mains.cashdesk"
    label = "cashdesk"
