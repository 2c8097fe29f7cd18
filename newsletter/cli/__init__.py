"""The command line: every command parses, calls and prints; it decides nothing."""


def main() -> None:
    """Run the command line."""
