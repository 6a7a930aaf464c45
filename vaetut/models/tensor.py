"""The types of arrays that the signatures of networks and losses name."""

from typing import Any

Tensor = Any  # an array of the backend that computes: TensorFlow, JAX or PyTorch
Shape = tuple[Any, ...]  # of a tensor: whole numbers, or None for a batch's size
ImageShape = tuple[int, int, int]  # height, width and channels of an image
