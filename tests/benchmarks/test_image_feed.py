"""Images a second from a packed data set: gathered on demand, and gathered ahead while something else works.

`pytest -s --benchmark-only tests/benchmarks/test_image_feed.py`. 20,000 pictures of 128 px, batches of 256, as a game draws them.
"""

import time

import numpy as np
import pytest
import torch

from saddlebench.games.feeding import Feeder
from saddlebench.games.shuffling import batch_of_epoch

N, SIDE, BATCH, STEPS = 20_000, 128, 256, 40


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("feed") / "images.npy"
    rows = np.lib.format.open_memmap(path, "w+", np.uint8, (N, SIDE, SIDE, 3))
    generator = np.random.default_rng(0)
    for k in range(0, N, 500):
        rows[k : k + 500] = generator.integers(0, 256, (500, SIDE, SIDE, 3), dtype=np.uint8)
    rows.flush()
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def indices(seeds, step, draw):
    return batch_of_epoch(seeds, step, draw, BATCH, N)


@pytest.mark.benchmark(group="image feed")
def test_images_a_second(benchmark, images):
    seeds, cpu = torch.tensor([3]), torch.device("cpu")

    def fed():
        feeder = Feeder(images, indices, seeds, cpu)
        for step in range(STEPS):
            feeder.batch(step, 0)

    start, clock = time.process_time(), time.perf_counter()
    benchmark.pedantic(fed, rounds=3, warmup_rounds=1)
    seconds, wall = time.process_time() - start, time.perf_counter() - clock
    count = 4 * STEPS * BATCH
    benchmark.extra_info["images a CPU-second"] = round(count / seconds)
    print(f"\n{count / seconds:,.0f} images of {SIDE} px a CPU-second, {count / wall:,.0f} a second of wall clock")
