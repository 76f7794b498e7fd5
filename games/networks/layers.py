"""The layers that generators and discriminators are made of. Images come folded, feature vectors with their run axis: `network`."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, leaky_relu

from saddlebench.games.networks.batch_norm import normalised
from saddlebench.games.networks.network import Layer, Scope, Weight, fold, unfold
from saddlebench.games.networks.replicas import normalised_across, spanned

_EPSILON = 1e-5  # of batch norm, under the root


@dataclass(frozen=True)
class Linear(Layer):
    """x Wᵀ + b on ``(runs, batch, inputs)``."""

    name: str
    inputs: int
    outputs: int
    bias: bool = True
    spectral: bool = False

    def weights(self) -> dict[str, Weight]:
        """W ``(outputs, inputs)`` and b."""
        own = {f"{self.name}.weight": Weight((self.outputs, self.inputs))}
        return own | ({f"{self.name}.bias": Weight((self.outputs,), "zeros")} if self.bias else {})

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """``(runs, batch, outputs)``."""
        weight = self.weight(scope).mT
        if not self.bias:
            return torch.bmm(x, weight)
        return torch.baddbmm(scope.weights[f"{self.name}.bias"].unsqueeze(1), x, weight)


@dataclass(frozen=True)
class Conv(Layer):
    """A zero-padded convolution of side ``kernel``, run by run; ``transposed``: its transpose, which upsamples by the stride."""

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True
    spectral: bool = False
    transposed: bool = False

    def weights(self) -> dict[str, Weight]:
        """W ``(outputs, inputs, kernel, kernel)`` (inputs first where transposed, as torch has it) and b."""
        planes = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        own = {f"{self.name}.weight": Weight((*planes, self.kernel, self.kernel))}
        return own | ({f"{self.name}.bias": Weight((self.outputs,), "zeros")} if self.bias else {})

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """``(batch, runs·outputs, …)``."""
        convolve = conv_transpose2d if self.transposed else conv2d
        weight = self.weight(scope)
        bias = scope.weights[f"{self.name}.bias"] if self.bias else None
        settings = {"stride": self.stride, "padding": self.padding}
        if scope.runs > 1 and x.device.type == "cpu":  # one after another: a grouped convolution is several times slower there
            parts = zip(x.chunk(scope.runs, 1), weight, [None] * scope.runs if bias is None else bias, strict=True)
            return torch.cat([convolve(*part, **settings) for part in parts], 1)
        return convolve(x, weight.flatten(0, 1), None if bias is None else bias.flatten(), groups=scope.runs, **settings)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """γ(x − mean)/√(var + ε) + β with the moments of the batch, each run's its own (Ioffe & Szegedy 2015).

    ``gain = False``: γ = 1, for where a next layer can scale as well.
    """

    name: str
    channels: int
    epsilon: float = _EPSILON
    gain: bool = True

    def weights(self) -> dict[str, Weight]:
        """γ, where it is trained, and β."""
        gain = {f"{self.name}.gain": Weight((self.channels,), "ones")} if self.gain else {}
        return {**gain, f"{self.name}.bias": Weight((self.channels,), "zeros")}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape."""
        bias = scope.weights[f"{self.name}.bias"].flatten()
        gain = scope.weights[f"{self.name}.gain"].flatten() if self.gain else torch.ones_like(bias)
        return standardised(self.name, x, scope, self.epsilon, gain, bias)


@dataclass(frozen=True)
class ConditionalBatchNorm(Layer):
    """(1 + g_y)·(x − mean)/√(var + ε) + b_y: gain and bias are embeddings of the class (de Vries et al. 2017)."""

    name: str
    channels: int
    classes: int
    epsilon: float = _EPSILON

    def weights(self) -> dict[str, Weight]:
        """g and b ``(classes, channels)``, both 0 at the start."""
        shape = (self.classes, self.channels)
        return {f"{self.name}.gain": Weight(shape, "zeros"), f"{self.name}.bias": Weight(shape, "zeros")}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape."""
        gain, bias = (spread(looked_up(scope.weights[f"{self.name}.{part}"], scope)) for part in ("gain", "bias"))
        return standardised(self.name, x, scope, self.epsilon) * (1 + gain) + bias


@dataclass(frozen=True)
class Embedding(Layer):
    """A vector a class: the classes of the scope's labels, ``(runs, batch, outputs)``. The input is not looked at."""

    name: str
    classes: int
    outputs: int
    spectral: bool = False

    def weights(self) -> dict[str, Weight]:
        """``(classes, outputs)``."""
        return {f"{self.name}.weight": Weight((self.classes, self.outputs))}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """The vectors."""
        return looked_up(self.weight(scope), scope)


@dataclass(frozen=True)
class InstanceNorm(Layer):
    """(x − mean)/√(var + ε) with the moments of each image's own channel (Ulyanov et al. 2016), then γ and β where ``affine``.

    It is batch norm of a batch of one, and the same in training as in evaluation: no image has any part in another's output.
    """

    name: str
    channels: int
    affine: bool = False
    epsilon: float = _EPSILON

    def weights(self) -> dict[str, Weight]:
        """γ and β, or none."""
        shape = (self.channels,)
        return {f"{self.name}.gain": Weight(shape, "ones"), f"{self.name}.bias": Weight(shape, "zeros")} if self.affine else {}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape."""
        rows = x.reshape(1, -1, *x.shape[2:])
        x = normalised(rows, rows.new_ones(rows.shape[1]), rows.new_zeros(rows.shape[1]), self.epsilon).view_as(x)
        if not self.affine:
            return x
        gain, bias = (scope.weights[f"{self.name}.{part}"].reshape(1, -1, 1, 1) for part in ("gain", "bias"))
        return x * gain + bias


@dataclass(frozen=True)
class VirtualBatchNorm(Layer):
    """Batch norm of each example with the moments of a fixed reference batch and the example itself (Salimans et al. 2016).

    The reference batch is the first ``reference`` rows of the input; with R of them, n = R·height·width numbers a channel and
    k = height·width of the example, mean = (n·m_ref + k·m_own)/(n + k), and likewise the mean square.
    """

    name: str
    channels: int
    reference: int
    epsilon: float = _EPSILON

    def weights(self) -> dict[str, Weight]:
        """γ and β."""
        return {f"{self.name}.gain": Weight((self.channels,), "ones"), f"{self.name}.bias": Weight((self.channels,), "zeros")}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """Of the input's shape; no example but the reference ones has any part in another's output."""
        share = 1 / (self.reference + 1)  # of the example itself
        own, own_square = x.mean((2, 3), keepdim=True), x.square().mean((2, 3), keepdim=True)
        ahead = (m[: self.reference].mean(0, keepdim=True) for m in (own, own_square))
        mean, square = ((1 - share) * a + share * m for a, m in zip(ahead, (own, own_square), strict=True))
        gain, bias = (scope.weights[f"{self.name}.{part}"].reshape(1, -1, 1, 1) for part in ("gain", "bias"))
        return (x - mean) * (square - mean.square() + self.epsilon).rsqrt() * gain + bias


@dataclass(frozen=True)
class MinibatchDiscrimination(Layer):
    """Appends to each example how near others of its batch are: o_b(i) = Σ_{j≠i} exp(−‖M_ib − M_jb‖₁), M = xT (Salimans et al.
    2016).
    """

    name: str
    inputs: int
    kernels: int = 100
    dimensions: int = 5

    def weights(self) -> dict[str, Weight]:
        """T ``(kernels·dimensions, inputs)``."""
        return {f"{self.name}.weight": Weight((self.kernels * self.dimensions, self.inputs))}

    def __call__(self, x: Tensor, scope: Scope) -> Tensor:
        """``(runs, batch, inputs + kernels)``."""
        rows = torch.bmm(x, self.weight(scope).mT).unflatten(-1, (self.kernels, self.dimensions))
        distance = (rows.unsqueeze(1) - rows.unsqueeze(2)).abs().sum(-1)  # (runs, batch, batch, kernels)
        return torch.cat((x, (-distance).exp().sum(1) - 1), -1)  # every example is at distance 0 from itself


def standardised(
    name: str, x: Tensor, scope: Scope, epsilon: float, gain: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """(x − mean)/√(var + ε), with the moments of the batch or those that the scope has, then γ and β where given."""
    moments = None if scope.moments is None else scope.moments.of(name, x)
    if moments is not None:
        return batch_norm(x, *moments, gain, bias, training=False, eps=epsilon)
    if gain is None or bias is None:
        gain, bias = x.new_ones(x.shape[1]), x.new_zeros(x.shape[1])
    return normalised(x, gain, bias, epsilon) if spanned() == 1 else normalised_across(x, gain, bias, epsilon)


def looked_up(table: Tensor, scope: Scope) -> Tensor:
    """Rows of ``(runs, classes, size)`` by the scope's labels: ``(runs, batch, size)``."""
    assert scope.labels is not None, "a conditional network needs labels"
    index = scope.labels.unsqueeze(-1).expand(-1, -1, table.shape[-1])
    return table.gather(1, index)


def summed(x: Tensor, runs: int) -> Tensor:
    """The sum over an image's pixels, ``(batch, runs·channels, …)`` → ``(runs, batch, channels)``."""
    return unfold(x.sum((2, 3)), runs)


def as_image(x: Tensor, channels: int, side: int) -> Tensor:
    """``(runs, batch, channels·side²)`` → folded images."""
    return fold(x.unflatten(-1, (channels, side, side)))


def rectified(x: Tensor, slope: float = 0.0) -> Tensor:
    """max(x, slope·x): a ReLU, leaky where the slope is not 0."""
    return leaky_relu(x, slope) if slope else x.relu()


def spread(x: Tensor) -> Tensor:
    """``(runs, batch, channels)`` → ``(batch, runs·channels, 1, 1)``."""
    return fold(x)[..., None, None]
