"""`python -m saddlebench`: the command line."""

from saddlebench.bench.cli import main

if __name__ == "__main__":
    main()
