"""Figures for papers, from tables alone: one file a kind, one style."""
