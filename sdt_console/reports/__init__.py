"""Whom we tell: each a subscriber to events."""
