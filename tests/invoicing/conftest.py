from billing.conftest import billed_until_may, billed_utility, populated

__all__ = ["billed_until_may", "billed_utility", "populated"]
