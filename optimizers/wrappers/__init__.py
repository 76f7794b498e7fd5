"""Wrappers: methods that hold another optimizer, given by its name, and play it inside."""
