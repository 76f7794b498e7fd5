"""Groups of cells run elsewhere: by processes of this machine, or by a Ray cluster."""
