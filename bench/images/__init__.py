"""Measures of images, with everything that a value needs to be comparable: extractor, counts, reference, floor,
control."""
