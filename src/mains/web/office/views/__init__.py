"""Views of the office, one module per thing that people look at."""
