"""The image measures of a model over thresholds of truncation: quality against variety of one generator."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from saddlebench.bench.images.generating import generated
from saddlebench.bench.images.metrics import image_metrics
from saddlebench.bench.models import Model
from saddlebench.errors import InputError
from saddlebench.games.biggan import BigGAN
from saddlebench.games.data import require_images


def truncated_measures(
    model: Model, thresholds: Sequence[float], answer: str = "last", metrics: str = ""
) -> Iterator[tuple[float, dict[str, float]]]:
    """Threshold → the measures of images from latents within it, by the weights of an answer and standing statistics.

    The same normal numbers are truncated at every threshold, so points of a curve differ by the threshold alone.

    Args:
        model: of a game whose latents can be truncated.
        thresholds: of |z_i|; infinite: without truncation.
        answer: ``"last"`` or ``"average"``.
        metrics: settings of the image measures; empty: the model's own.

    Raises:
        InputError: another game, no such answer, images that are not there.
    """
    game: Any = model.game
    if not isinstance(game, BigGAN):
        raise InputError(f"{model.label}: its latents are not truncated (biggan's and biggan-deep's are)")
    profile = model.answer(answer)
    require_images(game.data)
    chosen = replace(game, metrics=metrics or game.metrics)
    judged = image_metrics(chosen.image_measures)
    if judged is None:
        raise InputError(f"{model.label} was trained without image measures: give settings, such as --metrics 'n_fake=2000'")
    for t in thresholds:
        within = replace(chosen, truncation=0.0 if math.isinf(t) else t)
        images, finite = generated(within, profile, model.seeds, judged.n_fake, model.buffers)
        found = judged.evaluate(images)
        yield t, {name: float(value[0]) if finite[0] else math.nan for name, value in found.items()}
