"""Adjustments: the linearised game becomes another field."""
