"""The crossing: oracle, runner, measures, spectrum, image metrics, suites, executors, command line."""
