"""Tariffs: the list, one tariff, and its drafts as form, as text, tried out, tested, compared and published."""
