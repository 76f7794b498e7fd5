"""`saddlebench plot KIND`: a module a kind, each with `register(app)`; `bench.cli.plotting` lists them."""
