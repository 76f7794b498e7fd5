"""Templates of an optimizer and of a game: complete files that pass their contract, to be edited."""
