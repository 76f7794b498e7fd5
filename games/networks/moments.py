"""Moments of batch norm for evaluation: collected over several batches, then held fixed ("standing statistics").

An image that is judged must not depend on the other images of its batch. Running averages kept during training do not belong to the
weights that are evaluated (an average of them, for one); so the moments are measured anew, with those weights, over fixed batches:
Brock et al. 2019, appendix.
"""

from torch import Tensor

from saddlebench.games.networks.network import Moments


class Standing(Moments):
    """While ``collecting`` a network runs on the moments of its batches and they are added up; afterwards on their means."""

    def __init__(self) -> None:
        self.collecting = True
        self._sums: dict[str, tuple[Tensor, Tensor]] = {}
        self._batches: dict[str, int] = {}

    def of(self, layer: str, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """The means over the batches seen, once they are; the variance is the batch's own, divided by n as batch norm divides."""
        if not self.collecting:
            mean, variance = self._sums[layer]
            return mean / self._batches[layer], variance / self._batches[layer]
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        if layer in self._sums:
            before = self._sums[layer]
            mean, variance = before[0] + mean, before[1] + variance
        self._sums[layer] = mean, variance
        self._batches[layer] = self._batches.get(layer, 0) + 1
        return None
