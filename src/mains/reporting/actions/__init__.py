"""Rebuilds of the read models."""
