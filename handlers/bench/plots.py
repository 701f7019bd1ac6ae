"""Plots of sweeps, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from handlers.bench.report import Figure


def plot(path: Path, title: str, figures: Sequence[Figure]) -> None:
    """One line through the medians, with the spread of the rounds; nothing where matplotlib is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("Agg")
    from matplotlib import pyplot

    drawing, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    values = [one.value for one in figures]
    below = [one.value - one.low for one in figures]
    above = [one.high - one.value for one in figures]
    axes.errorbar(range(len(figures)), values, yerr=(below, above), marker="o", capsize=3)
    axes.set_xticks(range(len(figures)), [one.name.split(" ", 2)[-1] for one in figures])
    axes.set(title=title, ylabel="rtfx (audio seconds per second)", ylim=(0, None))
    axes.grid(visible=True, alpha=0.3)
    drawing.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(drawing)


def plot_all(folder: Path, sweeps: Mapping[str, Sequence[Figure]]) -> None:
    """One plot for each sweep, named by it."""
    for title, figures in sweeps.items():
        plot(folder / f"{title.replace(' ', '-')}.png", f"rtfx by {title}", figures)
