"""BigGAN's generator and discriminator at 16 to 256 px (Brock, Donahue & Simonyan 2019, appendix B).

Generator: z is cut into equal chunks; the first makes 4×4 pixels, the others go with the class's shared embedding s = E(y) into the
batch norms of one block each:  x ↦ (1 + W_g[s, z_k])·BN(x) + W_b[s, z_k].  Discriminator: D(x, y) = w·h + b + ⟨E(y), h⟩ with h the
sum over pixels. Both have self-attention at one resolution. Channels are multiples of ``width``:

    ====  ======================  =======================
    side  generator, from 4×4     discriminator, from RGB
    ====  ======================  =======================
    256   16 16 8 8 4 2 1         1 2 4 8 8 16 16
    128   16 16 8 4 2 1           1 2 4 8 16 16
    64    16 16 8 4 2             1 2 4 8 16
    32    4 4 4 4                 4 4 4 4
    16    4 4 4                   4 4 4
    ====  ======================  =======================

The paper prints 128 px and above. 64 and 32 px are those of its authors' PyTorch code, 16 px is ours, for tests.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from saddlebench.errors import InputError
from saddlebench.games.networks.attention import SelfAttention
from saddlebench.games.networks.layers import BatchNorm, Conv, Embedding, Linear, as_image, rectified, summed
from saddlebench.games.networks.network import Layer, Network, Scope, fold
from saddlebench.games.networks.projection import Projecting
from saddlebench.games.networks.resnet import DiscriminatorBlock, doubled
from saddlebench.games.networks.told import Told, ToldNorm

SIDES = (16, 32, 64, 128, 256)
START = 4  # side of the generator's first map
_GENERATOR = {16: (4,) * 3, 32: (4,) * 4, 64: (16, 16, 8, 4, 2), 128: (16, 16, 8, 4, 2, 1), 256: (16, 16, 8, 8, 4, 2, 1)}
_DISCRIMINATOR = {**_GENERATOR, 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16), 256: (1, 2, 4, 8, 8, 16, 16)}


def generator_widths(side: int) -> tuple[int, ...]:
    """Multiples of the width before the first block and after each; a block doubles the side.

    Raises:
        InputError: no such side.
    """
    return _checked(side, _GENERATOR)


def discriminator_widths(side: int) -> tuple[int, ...]:
    """Multiples of the width after the blocks.

    Raises:
        InputError: no such side.
    """
    return _checked(side, _DISCRIMINATOR)


def halvings(side: int) -> int:
    """Blocks of a discriminator that halve the side: to 4×4 from 64 px on, two in smaller ones."""
    return max(2, (side // START).bit_length() - 1) if side >= 64 else 2


def _checked(side: int, table: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    if side not in table:
        raise InputError(f"BigGAN has no network for images of side {side}: use {', '.join(map(str, SIDES))}")
    return table[side]


@dataclass(frozen=True)
class GeneratorBlock:
    """BN – ReLU – up – conv3 – BN – ReLU – conv3, plus conv1(up(x)); upsampling repeats pixels."""

    name: str
    inputs: int
    outputs: int
    told: Told
    spectral: bool = True
    slope: float = 0.0

    @cached_property
    def _parts(self) -> tuple[tuple[ToldNorm, ToldNorm], tuple[Conv, Conv, Conv]]:
        norm0, norm1 = (ToldNorm(f"{self.name}.norm{k}", c, self.told) for k, c in enumerate((self.inputs, self.outputs)))
        conv0 = Conv(f"{self.name}.conv0", self.inputs, self.outputs, 3, 1, 1, spectral=self.spectral)
        conv1 = Conv(f"{self.name}.conv1", self.outputs, self.outputs, 3, 1, 1, spectral=self.spectral)
        return (norm0, norm1), (conv0, conv1, Conv(f"{self.name}.shortcut", self.inputs, self.outputs, 1, spectral=self.spectral))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Of two norms, two convolutions and the shortcut's."""
        norms, convs = self._parts
        return *(layer for norm in norms for layer in norm.layers), *convs

    def __call__(self, x: Tensor, vector: Tensor | None, scope: Scope) -> Tensor:
        """Folded images of twice the side."""
        (norm0, norm1), (conv0, conv1, shortcut) = self._parts
        h = conv0(doubled(rectified(norm0(x, vector, scope), self.slope)), scope)
        h = conv1(rectified(norm1(h, vector, scope), self.slope), scope)
        return h + doubled(shortcut(x, scope))  # a 1×1 convolution and repeated pixels commute; this way it costs a quarter


@dataclass(frozen=True)
class Generator(Network):
    """z → linear → blocks that double → BN – ReLU – conv3 – tanh.

    Attributes:
        latent: size of z.
        channels: of the image.
        side: of the image: 16, 32, 64, 128, 256.
        width: the unit of channels.
        classes: 0, or the classes that the norms are told.
        shared: size of the class embedding that all norms share; 0: each has its own.
        hierarchical: every block's norms are told a chunk of z.
        attention: side of the map with self-attention; 0: none.
        spectral: every weight but the shared embedding's and the last norm's is divided by its largest singular value.
        slope: of the activation below 0.
        epsilon: of batch norm.

    Raises:
        InputError: no such side, an attention at a side that no map has, a latent that cannot be cut into equal chunks.
    """

    latent: int
    channels: int
    side: int
    width: int = 96
    classes: int = 0
    shared: int = 128
    hierarchical: bool = True
    attention: int = 64
    spectral: bool = True
    slope: float = 0.0
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        blocks = len(generator_widths(self.side)) - 1
        check_attention(self.attention, [2 * START * 2**k for k in range(blocks)])
        if self.hierarchical and self.latent % (blocks + 1):
            raise InputError(
                f"a hierarchical latent of {self.latent} cannot be cut into {blocks + 1} equal chunks, as images of side "
                f"{self.side} need"
            )

    @cached_property
    def chunk(self) -> int:
        """Numbers of z that the first layer sees."""
        return self.latent // len(generator_widths(self.side)) if self.hierarchical else self.latent

    @cached_property
    def _parts(self) -> tuple[Linear, tuple[tuple[GeneratorBlock, SelfAttention | None], ...], BatchNorm, Conv, Embedding | None]:
        widths = [self.width * m for m in generator_widths(self.side)]
        told = Told(self.classes, self.shared, self.chunk if self.hierarchical else 0, self.spectral, self.epsilon)
        blocks = []
        for k, (before, after) in enumerate(pairwise(widths)):
            block = GeneratorBlock(f"block{k}", before, after, told, self.spectral, self.slope)
            seen = START * 2 ** (k + 1) == self.attention
            blocks.append((block, SelfAttention("attention", after, self.spectral) if seen else None))
        first = Linear("first", self.chunk, widths[0] * START**2, spectral=self.spectral)
        last = Conv("last", widths[-1], self.channels, 3, 1, 1, spectral=self.spectral)
        return first, tuple(blocks), BatchNorm("norm", widths[-1], self.epsilon), last, told.embedding

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation; the embedding first."""
        first, blocks, norm, last, embedding = self._parts
        wired = [part for pair in blocks for part in pair if part is not None]
        return *([embedding] if embedding else []), first, *(layer for part in wired for layer in part.layers), norm, last

    def forward(self, x: Tensor, scope: Scope) -> Tensor:
        """Latents ``(runs, batch, latent)`` → images in [−1, 1], folded."""
        first, blocks, norm, last, embedding = self._parts
        head, *chunks = x.split(self.chunk, -1)
        same = [] if embedding is None else [embedding(x, scope)]
        x = as_image(first(head, scope), first.outputs // START**2, START)
        for k, (block, attention) in enumerate(blocks):
            told = [*same, *chunks[k : k + 1]]
            x = block(x, torch.cat(told, -1) if told else None, scope)
            x = x if attention is None else attention(x, scope)
        return last(rectified(norm(x, scope), self.slope), scope).tanh()


@dataclass(frozen=True)
class Discriminator(Projecting):
    """Blocks that halve → ReLU → sum over pixels → linear, plus ⟨E(y), h⟩ of a projection discriminator.

    Attributes: as the generator's; ``spectral`` is of every weight.

    Raises:
        InputError: no such side, an attention at a side that no map has.
    """

    channels: int
    side: int
    width: int = 96
    classes: int = 0
    attention: int = 64
    spectral: bool = True
    slope: float = 0.0

    def __post_init__(self) -> None:
        discriminator_widths(self.side)
        check_attention(self.attention, [self.side // 2 ** (k + 1) for k in range(halvings(self.side))])

    @cached_property
    def _blocks(self) -> tuple[tuple[DiscriminatorBlock, SelfAttention | None], ...]:
        widths, blocks, size = [self.channels, *(self.width * m for m in discriminator_widths(self.side))], [], self.side
        for k, (before, after) in enumerate(pairwise(widths)):
            halves = k < halvings(self.side)
            block = DiscriminatorBlock(f"block{k}", before, after, halves, k == 0, self.spectral, self.slope)
            size = size // 2 if halves else size
            seen = halves and size == self.attention  # the first block of that side alone
            blocks.append((block, SelfAttention("attention", after, self.spectral) if seen else None))
        return tuple(blocks)

    @property
    def outputs(self) -> int:
        """Features."""
        return self.width * discriminator_widths(self.side)[-1]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of the computation."""
        wired = [part for pair in self._blocks for part in pair if part is not None]
        return *(layer for part in wired for layer in part.layers), *self.head

    def features(self, x: Tensor, scope: Scope) -> Tensor:
        """Images ``(runs, batch, channels, side, side)`` → ``(runs, batch, features)``."""
        x = fold(x)
        for block, attention in self._blocks:
            x = block(x, scope)
            x = x if attention is None else attention(x, scope)
        return summed(rectified(x, self.slope), scope.runs)


def check_attention(side: int, maps: list[int]) -> None:
    """Refuse self-attention where there is no map of that side.

    Raises:
        InputError: there is none.
    """
    if side and side not in maps:
        raise InputError(f"attention = {side}: the maps have sides {', '.join(map(str, sorted(maps)))} (0: no attention)")
