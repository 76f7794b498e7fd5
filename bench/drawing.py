"""Pictures drawn from a model: grids of samples, walks between latents, samples beside their nearest training images."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from saddlebench.bench.artefacts import save_scatter, save_sheets
from saddlebench.bench.images.grid import save_grid
from saddlebench.bench.models import Model
from saddlebench.errors import InputError
from saddlebench.games.game import Profile
from saddlebench.games.networks.gan import GAN

STATIONS = 8  # images in a row of a walk, both ends among them


@dataclass(frozen=True)
class Draws:
    """What is drawn of a model.

    Attributes:
        model: it.
        answer: ``"last"`` or ``"average"``.
        seed: of the latents; None: the run's, whose picture is in the results.
        label: the one class of a conditional game; None: all in turn.
    """

    model: Model
    answer: str = "last"
    seed: int | None = None
    label: int | None = None

    def __post_init__(self) -> None:
        _ = self.profile
        if self.label is not None:
            classes = getattr(self.model.game, "classes", 0)
            if not classes:
                raise InputError(f"{self.model.label}: its generator is not told a class (train with game.conditional=true)")
            if self.label >= classes:
                raise InputError(f"class {self.label}: there are {classes}, 0 to {classes - 1}")

    @property
    def profile(self) -> Profile:
        """That of the answer."""
        return self.model.answer(self.answer)

    @property
    def seeds(self) -> Tensor:
        """Of the latents, ``(1,)``."""
        return self.model.seeds if self.seed is None else torch.tensor([self.seed])

    def samples(self, n: int) -> Tensor:
        """n samples ``(n, …)``, by default those of the run's own picture.

        Raises:
            InputError: the game generates nothing.
        """
        model = self.model
        if isinstance(model.game, GAN):
            labels = None if self.label is None else torch.full((1, n), self.label)
            with torch.no_grad():
                latents = model.game.evaluation_latents(self.seeds, n)
                return model.game.from_latents(self.profile, latents, model.seeds, model.buffers, labels)[0]
        with torch.no_grad():
            found = model.game.samples(self.profile, self.seeds, n, model.buffers)
        if found is None:
            raise InputError(f"{model.label}: this game generates nothing")
        return found[0]

    def walks(self, rows: int) -> Tensor:
        """Images ``(rows · STATIONS, …)`` on great arcs between pairs of the latents that `samples` takes first.

        z(t) = (sin((1−t)Ω) z₀ + sin(tΩ) z₁)/sin Ω with the angle Ω between z₀ and z₁: the length of a normal latent of many
        numbers is almost fixed, and a straight line would leave that sphere. A conditional game keeps one class a row.

        Raises:
            InputError: the game has no latents.
        """
        game = self.model.game
        if not isinstance(game, GAN):
            raise InputError(f"{self.model.label}: this game has no latents to walk between")
        ends = game.evaluation_latents(self.seeds, 2 * rows).double()
        latents = spherical(ends[:, 0::2], ends[:, 1::2], STATIONS).flatten(1, 2)
        classes = getattr(game, "classes", 0)
        labels = None
        if classes:
            row = torch.arange(rows) % classes if self.label is None else torch.full((rows,), self.label)
            labels = row.repeat_interleave(STATIONS)[None]
        with torch.no_grad():
            return game.from_latents(self.profile, latents, self.model.seeds, self.model.buffers, labels)[0]

    def sheets(self, n: int, folder: Path) -> list[Path]:
        """A picture a class (or of the one asked for), of n images each, in a folder.

        Raises:
            InputError: the generator is not told a class.
        """
        model, classes = self.model, getattr(self.model.game, "classes", 0)
        if not isinstance(model.game, GAN) or not classes:
            raise InputError(f"{model.label}: its generator is not told a class, so there are no sheets by class")
        asked = range(classes) if self.label is None else [self.label]
        return save_sheets(model.game, self.profile, model.seeds, model.buffers, asked, n, folder, self.seeds)

    def neighbours(self, samples: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Each sample and then its nearest training image by pixels ``(2n, C, H, W)``, and the measures of memorisation.

        Raises:
            InputError: samples that are no images, or a data set that is not here.
        """
        from saddlebench.bench.images.memorisation import Memorisation
        from saddlebench.bench.images.neighbours import nearest
        from saddlebench.bench.images.pixels import as_bytes, channels_first
        from saddlebench.games.data import image_set, require_images

        game = self.model.game
        data = getattr(game, "data", "") or game.image_measures.partition("?")[0]
        if not data:
            raise InputError(f"{self.model.label}: the game names no training images")
        require_images(data)
        channels, side = getattr(game, "shape", (None, None))
        training = image_set(data, "train", side, channels)
        shown = as_bytes(samples if samples.dim() == 4 else samples.unsqueeze(1))
        _, where = nearest(shown.flatten(1), channels_first(torch.from_numpy(training.images)).flatten(1))
        beside = channels_first(torch.from_numpy(training.images[where.numpy()]))
        real = torch.arange(0, len(training.images), max(1, len(training.images) // 500))
        pairs = torch.stack((shown, beside), 1).flatten(0, 1)
        return pairs.float() / 127.5 - 1, Memorisation(training, real)(shown, {})


def spherical(start: Tensor, end: Tensor, stations: int) -> Tensor:
    """Points ``(…, stations, size)`` on the arcs from start to end ``(…, size)``, both among them; lengths go along evenly."""
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=-1).clamp(-1, 1)
    angle = cosine.arccos()[..., None, None].clamp(min=1e-6)
    t = torch.linspace(0, 1, stations, dtype=start.dtype)[:, None]
    return (((1 - t) * angle).sin() * start.unsqueeze(-2) + (t * angle).sin() * end.unsqueeze(-2)) / angle.sin()


def save(samples: Tensor, path: Path, title: str) -> None:
    """A grid of images, or a scatter plot of points in the plane.

    Raises:
        InputError: they are neither.
    """
    if samples.dim() > 2:
        save_grid(samples, path, STATIONS)
    elif samples.shape[-1] == 2:
        save_scatter(samples, path, title)
    else:
        raise InputError(f"samples of {samples.shape[-1]} numbers are neither images nor points in the plane")
