"""Documents of the archive as people see them: within the scope of what they prove."""
