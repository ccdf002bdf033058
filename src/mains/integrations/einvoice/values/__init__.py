"""Words of electronic invoices: the model of EN 16931, its code lists, and what its parties must state of themselves."""
