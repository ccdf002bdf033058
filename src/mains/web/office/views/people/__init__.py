"""People of the utility, their roles, and what each role may do: pages of administrators."""
