"""Stored intervals behind an item, one by one: what they give by the exact way, and where each value is kept."""
