"""Words of electronic invoices: the model of EN 16931, its code lists, and what parties state of themselves."""
