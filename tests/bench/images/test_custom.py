from pathlib import Path

import pytest
import torch

from saddlebench.bench.images.custom import Custom
from saddlebench.bench.images.extractors import extract
from saddlebench.errors import InputError

SOURCE = """
import torch

def brightness(images):
    assert images.dtype == torch.uint8 and images.dim() == 4
    return images.float().mean((2, 3))

class Net:
    def __call__(self, images):
        return images.flatten(1)[:, :2].float()

def wrong(images):
    return images

number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def test_a_function_and_a_class_of_a_file(file: Path) -> None:
    images = torch.randint(0, 256, (210, 3, 4, 4), dtype=torch.uint8)
    extractor = Custom(f"{file}:brightness")
    assert extractor.name == "brightness"
    assert torch.allclose(extract(extractor, images), images.float().mean((2, 3)))
    assert extract(Custom(f"{file}:Net"), images).shape == (210, 2)


def test_the_identity_changes_with_the_source(file: Path) -> None:
    before = Custom(f"{file}:brightness").identity
    file.write_text(SOURCE + "\n# changed\n")
    assert Custom(f"{file}:brightness").identity != before


def test_what_is_not_there_is_a_clear_error(file: Path) -> None:
    for place, message in (
        (f"{file}:brightnes", "did you mean 'brightness'"),
        (f"{file.with_name('absent.py')}:f", "there is no file"),
        ("no_such_module:f", "cannot be imported"),
        (f"{file}:number", "of type int, expected a function"),
    ):
        with pytest.raises(InputError, match=message):
            Custom(place)
    with pytest.raises(InputError, match=r"answered \(2, 3, 4, 4\) to 2 images"):
        extract(Custom(f"{file}:wrong"), torch.zeros(2, 3, 4, 4, dtype=torch.uint8))


def test_a_module_that_is_installed() -> None:
    assert Custom("math:sqrt").name == "sqrt"
