"""Which measures a recipe gets: known before the first step of its training."""

from collections.abc import Callable
from typing import NamedTuple

from vaetut import datasets
from vaetut.datasets import Dataset, polar
from vaetut.measures.faces import measure_classifier, measure_faces
from vaetut.measures.labelled import measure_labelled
from vaetut.measures.strokes import measure_strokes
from vaetut.models import AttributeClassifier, ImageModel
from vaetut.recipes import SCALES, Recipe, get_recipe
from vaetut.training.build import PLAIN

CLASSIFIER = "faces-classifier"  # whose features say how alike faces are

Numbers = tuple[dict[str, float], dict[str, list[float]]]


class Measures(NamedTuple):
    """How the model of a recipe is measured."""

    function: Callable[..., Numbers]
    classifier: tuple[str, str] | None = None  # recipe and scale of the one it needs

    def __call__(
        self,
        model: ImageModel,
        train: Dataset,
        test: Dataset,
        classifier: AttributeClassifier | None = None,
        quick: bool = False,
    ) -> Numbers:
        """Return the numbers of a model by name, and its profiles, a value an image.

        `quick` leaves out what takes longest. The seeds are the same for every model,
        so that all see the same points and images.
        """
        if self.function is measure_faces:
            return self.function(model, train, test, classifier, quick=quick)
        if self.function is measure_strokes:
            return self.function(model, train, test, quick=quick)
        return self.function(model, test)


def measures_of(recipe: Recipe) -> Measures:
    """Return how the model of a recipe is measured.

    Raises ValueError, naming model and data set, where there are no measures, and for
    an unknown data set.
    """
    source = datasets.source(recipe.dataset)
    if recipe.model == "classifier" and source.knows == "attributes":
        return Measures(measure_classifier)
    if recipe.model != "classifier":
        if recipe.dataset in polar.SETS:
            if recipe.model not in PLAIN:
                return Measures(measure_strokes)
        elif source.knows == "attributes" or source.shape[-1] == 3:
            # Whether they smile may not be known: drawings have taught a classifier.
            drawn = f"faces-{source.shape[0]}"
            known = recipe.dataset if source.knows == "attributes" else drawn
            return Measures(measure_faces, _classifier_for(known))
        elif source.knows == "labels":
            return Measures(measure_labelled)
    raise ValueError(
        f"Recipe {recipe.name!r} cannot be measured: there are no measures for the "
        f"model {recipe.model!r} on {recipe.dataset!r}. They are for images with "
        "labels or attributes, for faces, and for VAEs of polar sets: choose one, or "
        "train it with vaetut.training.train, which measures nothing."
    )


def _classifier_for(dataset: str) -> tuple[str, str]:
    """Return recipe and scale of the classifier of a data set's images.

    It is the one at the scale that has this set, or else its variant at laptop scale.
    """
    for scale in SCALES:
        if get_recipe(CLASSIFIER, scale).dataset == dataset:
            return CLASSIFIER, scale
    return f"{CLASSIFIER}+dataset={dataset}", "laptop"
