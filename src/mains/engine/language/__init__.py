"""The formula language: text → syntax → resolved tree with units, which both interpreters read."""
