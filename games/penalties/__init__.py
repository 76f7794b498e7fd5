"""Terms that one player of a GAN adds to its loss; a file a family."""
