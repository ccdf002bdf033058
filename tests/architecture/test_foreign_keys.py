"""Foreign keys point down the column of packages, as imports do."""

import configparser
from collections.abc import Iterable
from pathlib import Path

from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps


def heights() -> dict[str, int]:
    """Height of each package in the column of .importlinter; equal for packages in one line."""
    contracts = configparser.ConfigParser()
    contracts.read(Path(__file__).resolve().parents[2] / ".importlinter", encoding="utf-8")
    layers = contracts["importlinter:contract:column"]["layers"].split("\n")
    lines = [line for line in layers if line.strip()]
    return {name.strip(): len(lines) - place for place, line in enumerate(lines) for name in line.split("|")}


def package_of(model: type[models.Model]) -> str:
    return model.__module__.split(".")[1]


def upward_keys(tables: Iterable[type[models.Model]]) -> list[str]:
    """Foreign keys from a package of ours to another one that does not stand below it."""
    height = heights()
    return [
        f"{model.__name__}.{field.name} -> {field.related_model.__name__}"
        for model in tables
        for field in model._meta.get_fields()
        if field.concrete
        and field.is_relation
        and field.related_model.__module__.startswith("mains.")
        and package_of(field.related_model) != package_of(model)
        and height[package_of(field.related_model)] >= height[package_of(model)]
    ]


def test_foreign_keys_point_down() -> None:
    ours = [model for model in apps.get_models() if model.__module__.startswith("mains.")]
    assert len(ours) > 10
    assert upward_keys(ours) == []


@isolate_apps("mains.ledger", "mains.billing")
def test_a_planted_key_upward_is_found() -> None:
    class Bill(models.Model):
        __module__ = "mains.billing.models"

        class Meta:
            app_label = "billing"

    class Entry(models.Model):
        __module__ = "mains.ledger.models"
        bill = models.ForeignKey(Bill, on_delete=models.PROTECT)

        class Meta:
            app_label = "ledger"

    assert upward_keys([Bill, Entry]) == ["Entry.bill -> Bill"]
