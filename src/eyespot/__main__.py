"""`python -m eyespot`, and the command `eyespot`."""

import sys


def run() -> None:
    """Run the command of this process; Ctrl-C while its modules load ends with one line as well."""
    try:
        from eyespot import cli

        cli.run()
    except KeyboardInterrupt:
        print("eyespot: stopped", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
