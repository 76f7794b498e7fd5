"""The report: results as one page that works without a network, opened in any browser."""
