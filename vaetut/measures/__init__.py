"""What is measured of a model: functions of any model and any data."""

from vaetut.measures.drawn import DRAWN, polar_measures
from vaetut.measures.faces import measure_classifier, measure_faces
from vaetut.measures.factors import measure_factors
from vaetut.measures.judge import judge
from vaetut.measures.labelled import measure_labelled
from vaetut.measures.strokes import measure_strokes

__all__ = [
    "DRAWN",
    "judge",
    "measure_classifier",
    "measure_faces",
    "measure_factors",
    "measure_labelled",
    "measure_strokes",
    "polar_measures",
]
