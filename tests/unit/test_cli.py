import json

import numpy as np
import pytest
from PIL import Image

from vaetut.__main__ import main


def test_runs_as_json_have_the_promised_keys(capsys):
    assert main(["runs", "--json"]) == 0
    rows = {row["recipe"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows["fashion-ae"]
    assert row["parameters"] == {"encoder": 96770, "decoder": 246273, "total": 343043}
    assert row["seeds"] >= 5 and not row["stale"]
    assert row["metrics"]["bce"].keys() == {"mean", "low", "high", "n"}
    assert {"scale", "hardware", "backend", "seconds"} <= row.keys()


def test_runs_as_text_name_every_recipe(capsys):
    assert main(["runs"]) == 0
    assert "fashion-vae-beta-128" in capsys.readouterr().out


def test_verify_is_content_with_what_is_shipped(capsys):
    assert main(["verify"]) == 0


def test_verify_fails_and_names_a_damaged_file(capsys, monkeypatch, tmp_path):
    from vaetut.training import runs

    bad = tmp_path / "fashion-ae" / "full" / "seed-0.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("{}")
    monkeypatch.setattr("vaetut.training.verify", lambda: runs.verify(tmp_path))
    assert main(["verify"]) == 1
    assert "seed-0.json" in capsys.readouterr().err


def test_an_unknown_recipe_is_one_line_and_status_one(capsys):
    assert main(["train", "fashion-gan"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("vaetut: There is no recipe") and error.count("\n") == 1


def test_train_does_not_train_twice(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    for expected in ("epoch 1/1", "is there already"):
        assert main(["train", "fashion-ae", "--scale", "smoke"]) == 0
        assert expected in capsys.readouterr().out
    assert main(["measure", "fashion-ae", "--scale", "smoke"]) == 0
    assert len(list(tmp_path.glob("fashion-ae/smoke/seed-0.*"))) == 2


def test_shipping_nothing_is_an_error(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VAETUT_RUNS", str(tmp_path))
    assert main(["ship", "fashion-ae", "--scale", "smoke"]) == 1
    assert "no runs of 'fashion-ae'" in capsys.readouterr().err


@pytest.fixture
def pictures(tmp_path):
    for name, grey in (("dark.png", 40), ("light.jpg", 200)):
        Image.fromarray(np.full((50, 40, 3), grey, np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_judge_reports_each_image_and_the_means(capsys, pictures):
    assert main(["judge", "fashion-vae", str(pictures), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in report["images"]] == ["dark.png", "light.jpg"]
    errors = [row["mse"] for row in report["images"]]
    assert report["mean"]["mse"] == pytest.approx(np.mean(errors))
    assert main(["judge", "fashion-ae", str(pictures)]) == 0
    assert "mean" in capsys.readouterr().out


def test_judge_names_what_it_cannot_read(capsys, pictures):
    (pictures / "broken.png").write_bytes(b"no image")
    assert main(["judge", "fashion-ae", str(pictures)]) == 1
    assert "broken.png" in capsys.readouterr().err
    assert main(["judge", "fashion-ae", str(pictures / "nowhere")]) == 1
    assert "not a folder" in capsys.readouterr().err


def test_judge_wants_images(capsys, tmp_path):
    assert main(["judge", "fashion-ae", str(tmp_path)]) == 1
    assert "holds no image" in capsys.readouterr().err


def test_benchmarks_are_listed_with_their_questions(capsys):
    assert main(["bench", "--list"]) == 0
    assert "epoch " in capsys.readouterr().out
    assert main(["bench", "beauty"]) == 1
    assert "epoch" in capsys.readouterr().err
