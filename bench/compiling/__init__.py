"""Steps that are traced once and replayed, or compiled into a loop: the same numbers in less time."""
