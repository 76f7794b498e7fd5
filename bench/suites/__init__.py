"""Shipped suites: a TOML file each."""
