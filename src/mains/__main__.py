"""`python -m mains` is the command line."""

from mains.config.cli import main

if __name__ == "__main__":
    main()
