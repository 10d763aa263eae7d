"""Runs the producer: `python -m producer`."""

from producer.cli import main

if __name__ == "__main__":
    main(prog_name="python -m producer")
