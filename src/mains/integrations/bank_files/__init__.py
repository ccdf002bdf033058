"""Files of banks: read whole, checked against their own totals, handed to the payments context."""
