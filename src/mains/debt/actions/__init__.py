"""Writes of the debt context, one module per purpose."""
