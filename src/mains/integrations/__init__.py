"""Outside parties: one folder for each, above the contexts whose doors it uses."""
