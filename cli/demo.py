"""``myosem demo``: a small simulated library, built on the spot and searched."""

import typer


def demo() -> None:
    """Search a small library of simulated recordings."""
    typer.echo("")
