"""The demo utility's population: made from a pack, a size and a seed, the same for the same three, in
columns.
"""
