"""How many steps a second does a page train a small VAE, against Keras?

The same recipe in both: rows of 64 radii of stars, tanh 64 → 48 → 2 → 48 → 64, batches
of 64. The page is a file in headless Chromium, the training a worker in it, and what is
counted are the frames that the page draws meanwhile. Besides, ten seeds of a few
settings are trained in both, and stored is what each shows: how many units are active,
whether the codes ran away, how well units fit size and petals, or the diagonals.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from playwright.sync_api import Page, sync_playwright

from vaetut.models import gaussian_kl
from vaetut.models.regularizers import EntanglementVAE
from vaetut.models.tensor import Tensor
from vaetut.training import backends
from vaetut.widgets import live_trainer
from vaetut.widgets.page import SCRIPT

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import common
from tests.browser.chromium import find_chromium

CASE = "64 → 48 → 2 → 48 → 64"
QUESTION = __doc__.splitlines()[0]
TURNS, QUICK_TURNS = 5, 2
SEEDS, QUICK_SEEDS = 10, 1
SETTINGS = {
    "β = 1": {},
    "γ = 5": {"gamma": 5.0},
    "γ = −2": {"gamma": -2.0},
    "β = 0, σ learned": {"beta": 0.0, "learned": True},
    "β = 300, σ learned": {"beta": 300.0, "learned": True},
}
# In the page: the bundle as a module, whose background is asked.
TRAIN = """async ([script, recipes, look]) => {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { default: widgets } = await import(address);
  const all = [];
  for (const recipe of recipes) {
    const rows = Float64Array.from(recipe.rows);
    let frames = 0, on = true;
    const tick = () => on && (frames++, requestAnimationFrame(tick));
    await new Promise((done) => {
      const { send, close } = widgets.inBackground(([, , told]) => {
        if (!told.ended) return;
        on = false;
        const { done: steps, ms, far, terms, mean, logVar } = told;
        const rest = { mean: [...mean], logVar: [...logVar] };
        all.push({ steps, ms, far, terms, frames, ...rest });
        close();
        done();
      });
      requestAnimationFrame(tick);
      const codes = new Float64Array(recipe.units);
      send(["train", 0, { ...recipe, rows }, { ...look, rows, codes }]);
    });
  }
  return all;
}"""


class DenseVAE(EntanglementVAE):
    """The VAE of the page, of rows (n, width), in Keras.

    The reconstruction is that of a Gaussian of standard deviation `noise`, without its
    constant: all else is `EntanglementVAE`'s.
    """

    def __init__(self, *networks: keras.Model, noise: float, **kwargs: Any) -> None:
        super().__init__(*networks, **kwargs)
        self.noise = noise

    def loss_terms(
        self, rows: Tensor, outputs: Tensor, mean: Tensor, log_var: Tensor
    ) -> dict[str, Tensor]:
        """Return the loss and its parts, (n,) each in nats per row."""
        error = ops.sum(ops.square(outputs - rows), axis=-1)
        reconstruction = error / (2 * self.noise**2)
        regularizer = self.regularizer(mean, log_var)
        return {
            "loss": reconstruction + regularizer,
            "reconstruction": reconstruction,
            "kl": gaussian_kl(mean, log_var),
            "regularizer": regularizer,
        }


def in_keras(recipe: dict[str, Any]) -> DenseVAE:
    """Return the model of a recipe as the page has it, untrained."""
    keras.utils.set_random_seed(recipe["seed"])
    width, hidden, units = (recipe[name] for name in ("width", "hidden", "units"))
    rows = keras.Input((width,))
    x = layers.Dense(hidden, activation="tanh")(rows)
    names = ["mean"] if recipe["sd"] else ["mean", "log_var"]
    heads = [layers.Dense(units, name=name)(x) for name in names]
    codes = keras.Input((units,))
    y = layers.Dense(width)(layers.Dense(hidden, activation="tanh")(codes))
    own = {name: recipe[name] for name in ("beta", "gamma", "noise", "seed")}
    return DenseVAE(
        keras.Model(rows, heads if len(heads) > 1 else heads[0]),
        keras.Model(codes, y),
        posterior_sd=recipe["sd"],
        **own,
    )


def train_in_keras(recipe: dict[str, Any]) -> DenseVAE:
    """Return the model of a recipe, trained."""
    model, rows = in_keras(recipe), as_rows(recipe)
    decay = keras.optimizers.schedules.CosineDecay(recipe["rate"], recipe["steps"])
    model.compile(optimizer=keras.optimizers.Adam(decay))
    epochs = recipe["steps"] * recipe["batch"] // len(rows)
    model.fit(rows, batch_size=recipe["batch"], epochs=epochs, verbose=0)
    return model


def as_rows(recipe: dict[str, Any]) -> np.ndarray:
    """Return the rows of a recipe, (n, width)."""
    return np.reshape(recipe["rows"], (-1, recipe["width"])).astype(np.float32)


def train_in_page(page: Page, recipes: list[dict], look: dict[str, Any]) -> list[dict]:
    """Return how trainings of recipes ended in a page, with the frames it drew."""
    return page.evaluate(TRAIN, [SCRIPT, recipes, look])


LOOK = {"every": 200, "wait": 0, "all": False, "again": 1}


def found_in_page(page: Page, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on a recipe that is trained in a page."""
    (told,) = train_in_page(page, [recipe], LOOK)
    shape = (-1, recipe["units"])
    return verdict(np.reshape(told["mean"], shape), np.reshape(told["logVar"], shape))


def found_in_keras(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on a recipe that is trained in Keras."""
    mean, log_var = train_in_keras(recipe).posterior(as_rows(recipe))
    return verdict(*map(keras.ops.convert_to_numpy, (mean, log_var)))


def verdict(mean: np.ndarray, log_var: np.ndarray) -> dict[str, Any]:
    """Return what the widget says of codes, and the numbers behind it."""
    return live_trainer.verdict(mean, log_var, live_trainer.factors())


def measure(page: Page, turns: int) -> dict[str, Any]:
    """Return steps a second in the page and in Keras, turn about."""
    recipe = live_trainer.recipe()
    model, rows = in_keras(recipe), as_rows(recipe)
    model.compile(optimizer=keras.optimizers.Adam(recipe["rate"]))
    fit = {"batch_size": recipe["batch"], "verbose": 0}
    model.fit(rows, epochs=5, **fit)
    train_in_page(page, [recipe], LOOK)
    ours, theirs, frames = [], [], []
    for _ in range(turns):
        (told,) = train_in_page(page, [recipe], LOOK)
        ours.append(told["ms"] / 1000)
        frames.append(told["frames"] / ours[-1])
        start = time.perf_counter()
        model.fit(rows, epochs=20, **fit)
        theirs.append(time.perf_counter() - start)
    amounts = recipe["steps"], 20 * len(rows) // recipe["batch"]
    case = common.rate_case(f"{CASE}, batches of 64", ours, theirs, amounts, digits=0)
    return case | {"frames_a_second": round(float(np.median(frames)), 1)}


def main(quick: bool = False) -> dict[str, Any]:
    """Measure the speed, train ten seeds of each setting in both, and store it all.

    `quick`: one seed of one setting, not stored.
    """
    settings = dict(list(SETTINGS.items())[:1]) if quick else SETTINGS
    with (
        sync_playwright() as playwright,
        tempfile.NamedTemporaryFile("w", suffix=".html") as file,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(Path(file.name).as_uri())
        case = measure(page, QUICK_TURNS if quick else TURNS)
        found: dict[str, dict[str, list]] = {}
        for name, own in settings.items():
            seeds = range(QUICK_SEEDS if quick else SEEDS)
            recipes = [live_trainer.recipe(seed=seed, **own) for seed in seeds]
            found[name] = {
                "page": [found_in_page(page, recipe) for recipe in recipes],
                "keras": [found_in_keras(recipe) for recipe in recipes],
            }
        version = browser.version
        browser.close()
    return common.publish(
        __file__,
        QUESTION,
        "steps/s",
        [case],
        backends.hardware(),
        store=not quick,
        versions=backends.versions() | {"chromium": version},
        verdicts=found,
    )


if __name__ == "__main__":
    common.command(QUESTION, main)
