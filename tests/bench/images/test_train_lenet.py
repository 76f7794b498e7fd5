from pathlib import Path

import pytest
import torch
from torch import Tensor

from saddlebench.bench.images import train_lenet
from saddlebench.bench.images.train_lenet import accuracy, initialise, main, train
from saddlebench.games.networks.lenet import LeNet

Splits = dict[str, tuple[Tensor, Tensor]]


def test_training_learns_and_repeats_itself(mnist: Splits) -> None:
    images, labels = (tensor[:3000] for tensor in mnist["train"])
    before = torch.random.get_rng_state()
    net, again, other = (train(images, labels, epochs=2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(net.output.weight, again.output.weight)
    assert not torch.equal(net.output.weight, other.output.weight)
    test_images, test_labels = (tensor[:2000] for tensor in mnist["test"])
    assert accuracy(net, test_images, test_labels) > 0.8  # 0.1 is chance


def test_initial_weights_have_hes_variance() -> None:
    net = LeNet()
    initialise(net, torch.Generator().manual_seed(0))
    assert net.hidden.weight.std().item() == pytest.approx((2 / 1568) ** 0.5, rel=0.02)
    assert net.conv2.weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.03)
    assert net.hidden.bias.abs().sum() == 0


def test_the_script_writes_weights_that_load(
    mnist: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file

    few = {split: tuple(tensor[:500].numpy() for tensor in mnist[split]) for split in mnist}
    monkeypatch.setattr(train_lenet, "load", lambda _, split: few[split])
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    main(["mnist", str(tmp_path / "weights.safetensors")])
    LeNet().load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert "test accuracy" in capsys.readouterr().out
