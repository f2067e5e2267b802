"""`python -m eyespot`."""

from eyespot.cli import run

if __name__ == "__main__":
    run()
