"""Results made by hand with everything that a page shows, and a headless Chromium to open pages in."""

import shutil

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from saddlebench.results.report.content import content
from saddlebench.results.report.page import page
from saddlebench.results.store import Store, read

HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>\u2028<!--"
DEFAULTS = {"game": {"bilinear": {"size": 2}}, "optimizer": {"extragradient": {"step_size": 0.1}, "adam": {"step_size": 0.001}}}


def _pairing(make, name, seed, rate=0.5, **changes):
    """A run and its trace; the distance falls by `rate` a step."""
    cell = f"{name}{seed:04d}".ljust(16, "0")
    run = make.run(cell, seed=seed, cost=20.0, gradients=20.0, products=0.0, steps=20, **changes)
    trace = make.trace(cell, length=21, value=[(1 + seed) * rate**k for k in range(21)], gradients=[float(k) for k in range(21)])
    return run, trace


@pytest.fixture
def folder(make, tmp_path):
    """Three games; tuned and defaults; every kind of failure; spectra; pictures; image measures; names that are markup."""
    out = tmp_path / "results"
    references = {
        "fd_lenet": 4.5,
        "fd_lenet_floor": 0.25,
        "fd_lenet_uniform_noise": 90.0,
        "fd_lenet_n_real": 5000.0,
        "fd_lenet_n_fake": 1000.0,
    }
    with Store(out) as store:
        store.append(machines=[make.machine()])
        for seed in range(4):
            fast, slow = {"step_size": 0.2}, {"step_size": 0.1}
            pairs = [
                _pairing(make, "fast", seed, 0.3, optimizer_parameters=fast, track="tuned", spectral_radius_transverse=0.3),
                _pairing(make, "slow", seed, 0.5, optimizer_parameters=slow, status="converged" if seed else "budget"),
                _pairing(
                    make,
                    "lost",
                    seed,
                    1.5,
                    optimizer="adam",
                    optimizer_parameters={"step_size": 0.001},
                    status="diverged",
                    reason="lost by step 20",
                ),
                _pairing(make, "evil", seed, 0.5, game=HOSTILE, optimizer=HOSTILE, status="error", reason=HOSTILE),
                _pairing(make, "ring", seed, 0.9, game="mnist", status="completed", final_measures=references, extractor="abc123"),
            ]
            for number, (run, trace) in enumerate(pairs):
                spectrum = make.spectrum(run["cell"]) if number < 2 else None
                store.append(runs=[run], trace=trace, spectrum=spectrum)
            refused = make.run(
                f"none{seed:04d}".ljust(16, "0"),
                seed=seed,
                optimizer="newton",
                status="not_applicable",
                reason="no Hessian",
                steps=0,
            )
            store.append(runs=[{**refused, "gradients": 0.0, "products": 0.0}])
    samples = out / "samples" / "mnist"
    samples.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (700, 700, 3), dtype=np.uint8)
    for seed in range(3):
        Image.fromarray(pixels).save(samples / f"extragradient-ring{seed:04d}-seed{seed}.png")
    texts = PngInfo()
    texts.add_text("Step", "20")
    texts.add_text("Description", f"a column a class {HOSTILE}")
    Image.fromarray(pixels[:50]).save(samples / "extragradient-ring0001-seed1-codes.png", pnginfo=texts)
    (samples / "extragradient-ring0003-seed3.png").write_bytes(b"no picture")
    return out


@pytest.fixture
def hostile():
    """The name of a game, of an optimizer, and a reason."""
    return HOSTILE


@pytest.fixture
def values(folder):
    return content(read(folder), folder, "a title", DEFAULTS, "now", "1.2.3")


@pytest.fixture(scope="session")
def browser():
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium): the page was not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, values, tmp_path):
    """A function that opens the page without a network: options of the context → page, with what it asked for and complained of."""
    file = tmp_path / "report.html"
    file.write_text(page(values), encoding="utf-8")
    contexts = []

    def go(**options):
        context = browser.new_context(offline=True, **{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        shown = context.new_page()
        shown.set_default_timeout(10_000)
        shown.asked, shown.complaints = [], []
        shown.on("request", lambda request: shown.asked.append(request.url))
        shown.on("console", lambda message: shown.complaints.append(message.text))
        shown.on("pageerror", lambda error: shown.complaints.append(str(error)))
        shown.goto(file.as_uri())
        return shown

    yield go
    for context in contexts:
        context.close()
