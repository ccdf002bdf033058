"""Writes of the metering context, one module per purpose."""
