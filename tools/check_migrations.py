"""Fail when the models have changes that no migration carries. Needs no database."""

import os
import sys

import django


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")
    django.setup()
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None)
    conflicts = loader.detect_conflicts()
    for label, names in conflicts.items():
        print(f"{label}: migrations {', '.join(sorted(names))} both claim to be the last.")
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    changes = detector.changes(graph=loader.graph)
    for label, migrations in changes.items():
        for migration in migrations:
            for operation in migration.operations:
                print(f"{label}: no migration for: {operation.describe()}")
    if changes or conflicts:
        print("Run `.venv/bin/django-admin makemigrations --settings mains.config.settings` and read it.")
        return 1
    print("Migrations carry every model.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
