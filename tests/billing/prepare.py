"""Makes a database with the billing tests' population in a home of its own. Arguments: database, service points."""

import sys
from pathlib import Path

if __name__ == "__main__":
    from mains.config.start import apply_migrations, start_django

    start_django(need_tables=False)
    apply_migrations()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from billing.population import load_population

    load_population(int(sys.argv[2]))
