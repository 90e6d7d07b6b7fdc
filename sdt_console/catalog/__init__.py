"""What is: ``catalog.toml`` → typed model, its check, its schema, and ``sdt init``."""
