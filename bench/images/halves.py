"""Which of the real images are the reference, and which are held out to say what a perfect generator would get."""

import numpy as np
import torch

from saddlebench.errors import InputError

N_FAKE = 2000
N_REAL = 10_000
FLOOR_DRAWS = 3  # disjoint held-out sets at most
_ORDER_SEED = 20240502


class Halves:
    """Which images of a set are the reference, and which give the floor.

    Args:
        n: images in the set.
        n_fake: generated images; None: `N_FAKE`, or half of a smaller set.
        n_real: reference images; None: `N_REAL`, or as many as leave one draw for the floor.

    Raises:
        InputError: the set has fewer images than asked for.
    """

    def __init__(self, n: int, n_fake: int | None, n_real: int | None) -> None:
        self.n_fake = min(N_FAKE, n // 2) if n_fake is None else n_fake
        self.n_real = max(min(N_REAL, n - self.n_fake), 0) if n_real is None else n_real
        if self.n_fake < 2 or not 2 <= self.n_real <= n:
            raise InputError(
                f"n_fake is {self.n_fake} and n_real {self.n_real}: expected at least 2 of each, of {n} images at most"
            )
        order = torch.from_numpy(np.random.default_rng(_ORDER_SEED).permutation(n))
        self.real = order[: self.n_real]
        draws = min(FLOOR_DRAWS, (n - self.n_real) // self.n_fake)
        self.draws = order[self.n_real : self.n_real + draws * self.n_fake].view(draws, self.n_fake)
