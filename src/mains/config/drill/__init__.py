"""Drills: things are broken on purpose, in a database of their own, and what is lost is counted."""
