"""Speed at the size of a whole utility, measured on a database made for it."""
