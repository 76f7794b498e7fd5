"""What came out: schema, store, statistics, tables, figures, theory. Nothing here imports torch."""
