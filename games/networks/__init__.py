"""Networks whose parameters, of all runs together, are one flat tensor ``(runs, size)``."""
