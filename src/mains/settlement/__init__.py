"""Money collected for others: split by contract as it arrives, passed on by settlements and payment orders."""
