"""Tuning: quasi-random trials of an optimizer's search space, judged by one objective, and the winners as a suite."""
