"""Measures of profiles: distance to equilibrium, gap, field and gradient norms, the game's own.

Small profiles of many checkpoints are measured together, stacked on the run axis: the harness then costs a few tensor operations a
run, not a few a checkpoint.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from saddlebench.bench.distributed import Ranks
from saddlebench.bench.images.feature_metrics import FeatureMetrics
from saddlebench.bench.images.generating import extracted_together, generated
from saddlebench.bench.images.metrics import ImageMetrics, image_metrics
from saddlebench.bench.oracle import Counts, Oracle, Stream
from saddlebench.bench.trees import map_tensors
from saddlebench.games.game import Buffers, Game, Profile, distance_to
from saddlebench.games.networks.gan import GAN

Show = Callable[[int, str, Tensor], None]
EVALUATION_DRAW = 2**20  # samples for measuring are none that a step draws


@dataclass(frozen=True)
class Snapshot:
    """What is measured later.

    Attributes:
        step: the step's number.
        answers: the optimizer's answers, each with all measures.
        buffers: the buffers that belong to them.
        total: the sum of the iterates after the start (at the start the start itself). Their mean is the runner's own average,
            measured by the criteria alone (distance and gap), so that it stays cheap. None where the optimizer answers with one.
        own: what the optimizer says of itself, name → ``(runs,)``.
    """

    step: int
    answers: dict[str, Profile]
    buffers: Buffers
    total: Profile | None = None
    own: dict[str, Tensor] = field(default_factory=dict)


class Measurer:
    """Measures snapshots of one program.

    Args:
        game: the game.
        seeds: ``(runs,)``.
        like: a profile, for dtype and device.
        ranks: the processes that generate and look at images together; the first alone measures. None: this one is alone.
        show: given the images ``(runs, n, …)`` that are measured, with their step and answer; None: nobody looks at them.
    """

    def __init__(self, game: Game, seeds: Tensor, like: Profile, ranks: Ranks | None = None, show: Show | None = None) -> None:
        self.game = game
        self.show = show
        self.seeds = seeds
        equilibrium = game.equilibrium(seeds)
        self._origin = None if equilibrium is None else torch.cat([x.to(like[0]) for x in equilibrium], -1)
        null = None if equilibrium is None else game.null_directions(seeds)
        self.null = None if null is None else null.to(like[0])
        known = equilibrium is not None or game.equilibrium_distance(like, seeds) is not None
        self.judged = known or game.gap(like, game.buffers(like, seeds)) is not None
        self.images = image_metrics(game.image_measures)
        self.extractor = None if self.images is None else self.images.extractor
        self.references = {} if self.images is None or (ranks and not ranks.first) else self.images.references()
        self._ranks = ranks
        self.batched = not game.stochastic  # a sample belongs to one step, so stochastic games are measured step by step

    def __call__(self, snapshots: list[Snapshot]) -> dict[tuple[str, str], np.ndarray]:
        """(answer, measure) → ``(snapshots, runs)``, in float64."""
        if not self.batched and len(snapshots) > 1:
            parts = [self([s]) for s in snapshots]
            return {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
        found: dict[tuple[str, str], Tensor] = {}
        seeds, buffers = self._repeated(snapshots)
        for answer in snapshots[0].answers:
            values = self._all(_stacked([s.answers[answer] for s in snapshots]), snapshots[0].step, seeds, buffers, answer)
            found |= {(answer, name): value for name, value in values.items()}
        found |= {("last", name): torch.cat([s.own[name] for s in snapshots]) for name in snapshots[0].own}
        totals = [s.total for s in snapshots if s.total is not None]
        if totals:
            counts = torch.tensor([max(s.step, 1) for s in snapshots], dtype=totals[0][0].dtype, device=self.seeds.device)
            counts = counts.repeat_interleave(len(self.seeds))[:, None]
            values = self._criteria(tuple(x / counts for x in _stacked(totals)), seeds, buffers)
            found |= {("average", name): value for name, value in values.items()}
        table = torch.stack([v.detach().double() for v in found.values()]).cpu().numpy()
        shape = (len(snapshots), len(self.seeds))
        return {key: table[k].reshape(shape) for k, key in enumerate(found)}

    def oracle(self, w: Profile, step: int, seeds: Tensor, buffers: Buffers) -> Oracle:
        """An oracle at a sample that no step draws, whose questions are not counted."""
        return Oracle(self.game, seeds, step, Counts(len(w)), Stream(buffers, w[0].dtype), buffers, EVALUATION_DRAW)

    def _all(self, w: Profile, step: int, seeds: Tensor, buffers: Buffers, answer: str) -> dict[str, Tensor]:
        measures = self._criteria(w, seeds, buffers)
        squares = [(v**2).sum(-1) for v in self.oracle(w, step, seeds, buffers).field(w)]
        measures["field_norm"] = torch.stack(squares).sum(0).sqrt()
        measures |= {f"gradient_norm.{name}": s.sqrt() for name, s in zip(self.game.players, squares, strict=True)}
        measures |= self.game.measures(w, seeds, buffers)
        if self.images is not None:
            found = self._judged(w, seeds, buffers, self.images, lambda images: self.show and self.show(step, answer, images))
            measures |= {name: value.to(w[0].device) for name, value in found.items()}
        return measures

    def assist(self, profiles: Iterable[Profile], buffers: Buffers) -> None:
        """A further process's part of what the first one measures of the same profiles: images, and their features."""
        if self._ranks is None or not isinstance(self.images, FeatureMetrics) or not isinstance(self.game, GAN):
            return
        for w in profiles:
            images, _ = generated(self.game, w, self.seeds, self.images.n_fake, buffers, self._ranks)
            self.images.assist(images, extracted_together(self._ranks, w[0].device))

    def _judged(
        self, w: Profile, seeds: Tensor, buffers: Buffers, metrics: ImageMetrics, show: Callable[[Tensor], None]
    ) -> dict[str, Tensor]:
        if not isinstance(metrics, FeatureMetrics) or not isinstance(self.game, GAN):
            with torch.no_grad():
                samples = self.game.samples(w, seeds, metrics.n_fake, buffers)
            assert samples is not None, "a game with image measures has samples"
            show(samples)
            return metrics.evaluate(samples)
        ranks = self._ranks
        images, finite = generated(self.game, w, seeds, metrics.n_fake, buffers, ranks)
        show(images)
        found = metrics.evaluate(images) if ranks is None else metrics.evaluate(images, extracted_together(ranks, w[0].device))
        return {name: value.where(finite.cpu(), torch.nan) for name, value in found.items()}

    def _criteria(self, w: Profile, seeds: Tensor, buffers: Buffers) -> dict[str, Tensor]:
        found = {"distance": self._distance(w, seeds), "gap": self.game.gap(w, buffers)}
        return {name: value for name, value in found.items() if value is not None}

    def _distance(self, w: Profile, seeds: Tensor) -> Tensor | None:
        """`Game.equilibrium_distance`; where one equilibrium is known, it is found once a program."""
        if self._origin is None:
            return self.game.equilibrium_distance(w, seeds)
        return distance_to(w, self._origin, self.null)

    def _repeated(self, snapshots: list[Snapshot]) -> tuple[Tensor, Buffers]:
        """Seeds and buffers of as many copies of the runs as there are snapshots."""
        copies = len(snapshots)
        if copies == 1:
            return self.seeds, snapshots[0].buffers
        return self.seeds.repeat(copies), map_tensors(lambda x: x.repeat(copies, *(1,) * (x.dim() - 1)), snapshots[0].buffers)


def _stacked(profiles: list[Profile]) -> Profile:
    """Several profiles as one, on the run axis."""
    return tuple(torch.cat(parts) for parts in zip(*profiles, strict=True))
