"""Fills the database with the billing tests' population. Argument: service points."""

import sys
from pathlib import Path

if __name__ == "__main__":
    from mains.config.start import start_django

    start_django()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from billing.population import load_population

    load_population(int(sys.argv[1]))
