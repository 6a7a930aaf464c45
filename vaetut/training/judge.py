"""How well a trained model reconstructs images it was never meant for."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vaetut.analysis import bernoulli_log_likelihood
from vaetut.models import VAE, ImageModel

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


def judge(model: ImageModel, folder: Path) -> dict:
    """Return the reconstruction errors of every image in a folder, and their means.

    Images are brought to the model's size and channels. "bce": nats a subpixel,
    "mse": mean squared error of values in [0, 1]. Raises ValueError if the folder has
    no images, naming the file if one cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give one with images in it.")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        kinds = ", ".join(sorted(SUFFIXES))
        raise ValueError(f"{folder} holds no image: {kinds} are read.")
    height, width, channels = model.encoder.input_shape[1:]
    mode, images = {1: "L", 3: "RGB"}[channels], []
    for path in paths:
        try:
            with Image.open(path) as image:
                image = image.convert(mode).resize((width, height), Image.LANCZOS)
        except (OSError, UnidentifiedImageError) as error:
            raise ValueError(f"{path} is not a readable image ({error}).") from error
        images.append(np.asarray(image).reshape(height, width, channels))
    images = np.stack(images)
    codes = model.encode(images)
    codes = codes[0] if isinstance(model, VAE) else codes
    truth, logits = images / 255, model.decode_logits(codes)
    bce = -bernoulli_log_likelihood(truth, logits) / truth[0].size
    mse = np.square(model.decode(codes) - truth).mean((1, 2, 3))
    rows = [
        {"file": path.name, "bce": float(b), "mse": float(m)}
        for path, b, m in zip(paths, bce, mse, strict=True)
    ]
    mean = {"bce": float(bce.mean()), "mse": float(mse.mean())}
    return {"images": rows, "mean": mean}
