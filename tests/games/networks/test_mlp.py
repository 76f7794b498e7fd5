import pytest
import torch

from saddlebench.games.draws import normal
from saddlebench.games.networks.mlp import MLP

SEEDS = torch.tensor([3, 7, 2**40])
_TORCH = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "leaky-relu": lambda: torch.nn.LeakyReLU(0.2)}
_OUTPUT = {"identity": torch.nn.Identity, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
_TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def inputs(network: MLP, batch: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return normal(SEEDS, "input", batch * network.widths[0], dtype=dtype).view(len(SEEDS), batch, -1)


@pytest.mark.parametrize("activation", ["relu", "tanh", "leaky-relu"])
@pytest.mark.parametrize("output", ["identity", "tanh", "sigmoid"])
def test_equals_torch_nn(activation, output):
    network = MLP((4, 6, 5, 3), activation, output)
    flat, x = network.initial(SEEDS, "g", "pytorch", torch.float64), inputs(network, 7)
    y = network.forward(flat, x)
    for run in range(len(SEEDS)):
        modules = []
        for weight, bias in network.parameters(flat[run : run + 1]):
            linear = torch.nn.Linear(*weight.shape[1:], dtype=torch.float64)
            linear.load_state_dict({"weight": weight[0].T, "bias": bias[0, 0]})
            modules += [linear, _TORCH[activation]()]
        modules[-1] = _OUTPUT[output]()
        torch.testing.assert_close(y[run], torch.nn.Sequential(*modules)(x[run]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_runs_together_equal_runs_alone(dtype):
    network = MLP((4, 16, 16, 3))
    flat, x = network.initial(SEEDS, "g", dtype=dtype), inputs(network, 9, dtype)
    together = network.forward(flat, x)
    alone = torch.cat([network.forward(flat[k : k + 1], x[k : k + 1]) for k in range(len(SEEDS))])
    torch.testing.assert_close(together, alone, rtol=_TOLERANCE[dtype], atol=_TOLERANCE[dtype])
    assert together.dtype == dtype


@pytest.mark.parametrize("scheme", ["xavier", "pytorch", "orthogonal", "normal"])
def test_initial_is_by_seed_and_same_alone(scheme):
    network = MLP((4, 16, 3))
    flat = network.initial(SEEDS, "g", scheme)
    assert flat.shape == (3, network.size) == (3, 4 * 16 + 16 + 16 * 3 + 3)
    assert flat.dtype == torch.float32
    torch.testing.assert_close(network.initial(SEEDS[1:2], "g", scheme), flat[1:2])
    assert not torch.equal(flat[0], flat[1])
    assert not torch.equal(flat, network.initial(SEEDS, "d", scheme))


def test_schemes_have_their_scales():
    network = MLP((300, 200, 300))
    draws = {s: network.parameters(network.initial(SEEDS, "g", s, torch.float64)) for s in ("xavier", "pytorch", "normal")}
    weights = {scheme: layers[0][0] for scheme, layers in draws.items()}
    biases = {scheme: layers[0][1] for scheme, layers in draws.items()}
    bound = (6 / 500) ** 0.5
    assert 0.999 * bound < weights["xavier"].abs().max() <= bound
    assert abs(weights["xavier"].std() - bound / 3**0.5) < 1e-3 * bound
    assert 0.999 * 300**-0.5 < weights["pytorch"].abs().max() <= 300**-0.5
    assert 0.98 * 300**-0.5 < biases["pytorch"].abs().max() <= 300**-0.5
    assert abs(weights["normal"].std() - 0.02) < 1e-4
    assert not biases["xavier"].any()
    assert not biases["normal"].any()


@pytest.mark.parametrize("widths", [(5, 9), (9, 5)])
def test_orthogonal_has_orthonormal_columns_or_rows(widths):
    network = MLP(widths)
    ((weight, bias),) = network.parameters(network.initial(SEEDS, "g", "orthogonal", torch.float64))
    gram = weight @ weight.mT if widths[0] < widths[1] else weight.mT @ weight
    torch.testing.assert_close(gram, torch.eye(5, dtype=torch.float64).expand(3, 5, 5), rtol=1e-12, atol=1e-12)
    assert not bias.any()


def test_twice_differentiable():
    network = MLP((3, 5, 2), "tanh")
    flat = network.initial(SEEDS[:1], "g", dtype=torch.float64).requires_grad_()
    x = inputs(network, 4)[:1].requires_grad_()
    assert torch.autograd.gradcheck(network.forward, (flat, x))
    assert torch.autograd.gradgradcheck(network.forward, (flat, x))


@pytest.mark.parametrize("widths", [(3,), (3, 0, 1)])
def test_bad_widths_are_refused(widths):
    with pytest.raises(ValueError, match="needs the sizes"):
        MLP(widths)
