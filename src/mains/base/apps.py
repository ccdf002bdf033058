from django.apps import AppConfig


class BaseConfig(AppConfig):
    name = "mains.base"
    label = "base"
    verbose_name = "Base"
