"""The databases of billing tests, with meters at nodes."""

from billing.conftest import populated, utility

__all__ = ["populated", "utility"]
