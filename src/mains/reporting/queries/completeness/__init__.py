"""Whether every service-point-day is billed, owned by somebody or explained; computed in columns, by slice."""
