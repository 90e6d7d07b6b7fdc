"""The console, driven by its keys."""
