"""Addresses of the office. Each context's view module adds its own lines here."""

from django.urls import URLPattern, URLResolver

app_name = "office"

urlpatterns: list[URLPattern | URLResolver] = []
