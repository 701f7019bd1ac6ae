"""A plot of a month, as PNG."""

from pathlib import Path

from core.report import Report


def draw(path: Path, found: Report) -> bool:
    """Bars of what each day cost beside what Deepgram would have charged; False without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("Agg")
    from matplotlib import pyplot

    drawing, axes = pyplot.subplots(figsize=(9, 4), layout="constrained")
    days, places = list(found.by_day.values()), range(len(found.by_day))
    axes.bar([place - 0.2 for place in places], [day.usd for day in days], 0.4, label="paid")
    axes.bar(
        [place + 0.2 for place in places], [day.deepgram_usd for day in days], 0.4, label="Deepgram alone"
    )
    axes.set_xticks(list(places), [day[-2:] for day in found.by_day])
    axes.set(title=f"{found.month}: {found.usd:.2f} USD", xlabel="day, UTC", ylabel="USD")
    axes.legend()
    axes.grid(visible=True, axis="y", alpha=0.3)
    drawing.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(drawing)
    return True
