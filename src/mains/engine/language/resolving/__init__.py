"""The parts of the resolver: names, operators, functions, tiers; each stands on the one before."""
