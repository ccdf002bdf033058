"""The formula language: text → syntax → resolved tree with units. Both interpreters read the resolved tree."""
