"""The faces of nobody: what each factor does to the picture, to names, and to files."""

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from vaetut import datasets
from vaetut.datasets import DataError, Dataset, cache, celeba, faces, files
from vaetut.datasets.faces import (
    ATTRIBUTE_NAMES,
    FACTOR_NAMES,
    FACTORS,
    RANGES,
    attributes_of,
    draw_factors,
    make_faces,
    render,
    render_faces,
    sets,
    with_factor,
)

PROBED = 1000  # faces that a rule learns from
MANY = draw_factors(2000, seed=0)
FEW = MANY[:40]
SMALL = render_faces(FEW, 48)
LIMITS = dict(zip(FACTOR_NAMES, RANGES.tolist(), strict=True))
HUES = {name for name in FACTOR_NAMES if name.endswith("_hue")} - {"lipstick_hue"}
# What is mirrored with a face; each is zero in the middle.
SIDED = ("yaw", "roll", "shift_x", "gaze_x", "parting", "background_slope", "light_x")
COLOURS = {"Black_Hair", "Blond_Hair", "Brown_Hair"}
HAIR = COLOURS | {"Gray_Hair", "Straight_Hair", "Wavy_Hair"}
BEARD = {"No_Beard"}
OWN = {  # which attributes a factor may change
    "yaw": {"Facing_Left"},
    "male": {"Male"},
    "age": {"Young"},
    "face_length": {"Oval_Face"},
    "jaw": {"Oval_Face"},
    "fullness": {"Chubby"},
    "cheekbones": {"High_Cheekbones"},
    "double_chin": {"Double_Chin"},
    "skin_tone": {"Pale_Skin"},
    "blush": {"Rosy_Cheeks"},
    "eye_bags": {"Bags_Under_Eyes"},
    "eye_open": {"Narrow_Eyes"},
    "eye_makeup": {"Heavy_Makeup"},
    "brow_thickness": {"Bushy_Eyebrows"},
    "brow_arch": {"Arched_Eyebrows"},
    "nose_width": {"Big_Nose"},
    "nose_depth": {"Big_Nose"},
    "nose_point": {"Pointy_Nose"},
    "lips": {"Big_Lips"},
    "smile": {"Smiling"},
    "mouth_open": {"Mouth_Slightly_Open"},
    "lipstick": {"Wearing_Lipstick", "Heavy_Makeup"},
    "hair_tone": COLOURS,
    "gray": COLOURS | {"Gray_Hair"},
    "hair_wave": {"Straight_Hair", "Wavy_Hair"},
    "bangs": {"Bangs"},
    "receding": {"Receding_Hairline"},
    "bald": HAIR | {"Bald", "Receding_Hairline", "Bangs"},
    "sideburns": {"Sideburns"},
    "stubble": {"5_o_Clock_Shadow"},
    "mustache": BEARD | {"Mustache"},
    "goatee": BEARD | {"Goatee"},
    "beard": BEARD | {"5_o_Clock_Shadow"},
    "glasses": {"Eyeglasses"},
    "hat": HAIR | {"Wearing_Hat", "Bangs"},
    "earrings": {"Wearing_Earrings"},
    "necklace": {"Wearing_Necklace"},
    "tie": {"Wearing_Necktie"},
    "blur": {"Blurry"},
}


def middle(n=1, **changes):
    """Return n times the face in the middle of all ranges, with changes.

    Nothing lies over it: no glasses, hat, beard or blur, and short hair.
    """
    bare = ("glasses", "hat", "bald", "bangs", "stubble", "beard", "blur", "grain")
    plain = dict.fromkeys(bare, 0) | {"hair_length": 0.2, "smile": 0.3}
    factors = np.tile(RANGES.mean(axis=1), (n, 1)).astype(np.float32)
    for name, values in (plain | changes).items():
        factors = with_factor(factors, name, values)
    return factors


def varied(name, **changes):
    """Return two pictures, in whole numbers, of a face at both ends of a factor.

    The ends of a hue are one colour: it goes half way round.
    """
    low, high = LIMITS[name]
    if name in HUES:
        high = (low + high) / 2
    ends = with_factor(middle(2, **changes), name, [low, high])
    return render_faces(ends, 96).astype(int)


def change(name, **changes):
    """Return where (96, 96) a factor changes the picture, and by how much."""
    return np.ptp(varied(name, **changes), axis=0).max(axis=-1)


def centre(weights):
    """Return the column and row of the centre of mass of weights (h, w)."""
    rows, columns = np.indices(weights.shape)
    total = weights.sum()
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / total


def eyes(**changes):
    """Return the centres (2, 2) of both irises: the only place their colour shows."""
    seen = change("iris", **changes)
    between = round(centre(seen)[0])
    left, right = seen.copy(), seen.copy()
    left[:, between:] = 0
    right[:, :between] = 0
    return np.stack([centre(left), centre(right)])


# Factors and attributes


def test_factors_do_not_depend_on_n_and_do_on_the_seed():
    np.testing.assert_array_equal(MANY[:5], draw_factors(5, seed=0))
    np.testing.assert_array_equal(MANY[:1001], draw_factors(1001, seed=0))
    assert (draw_factors(1000, seed=1) != MANY[:1000]).any(axis=1).all()
    assert (MANY[:1000] != MANY[1000:]).any(axis=1).all()


def test_factors_keep_to_their_ranges_and_vary():
    assert MANY.dtype == np.float32 and MANY.shape == (2000, len(FACTORS))
    low, high = RANGES.T
    assert RANGES.shape == (len(FACTORS), 2) and (low < high).all()
    assert (low <= MANY).all() and (high >= MANY).all()
    assert (MANY.std(axis=0) > 0.03 * np.ptp(RANGES, axis=1)).all()


def test_no_faces_are_no_error():
    assert draw_factors(0).shape == (0, len(FACTORS))
    assert render_faces(draw_factors(0), 16).shape == (0, 16, 16, 3)
    assert attributes_of(draw_factors(0)).shape == (0, 40)


def test_the_attributes_are_celebas_but_for_one():
    names = list(celeba.ATTRIBUTE_NAMES)
    names[names.index("Attractive")] = "Facing_Left"
    assert list(ATTRIBUTE_NAMES) == names


def test_every_attribute_has_faces_of_both_kinds():
    attributes = attributes_of(MANY)
    assert attributes.shape == (2000, 40) and attributes.dtype == bool
    shares = dict(zip(ATTRIBUTE_NAMES, attributes.mean(axis=0), strict=True))
    rare = {name: x for name, x in shares.items() if not 0.02 <= x <= 0.98}
    assert not rare


@pytest.mark.parametrize("name", FACTOR_NAMES)
def test_a_factor_changes_its_own_attributes_only(name):
    before, changed = attributes_of(MANY), set()
    for end in LIMITS[name]:
        after = attributes_of(with_factor(MANY, name, end))
        changed |= {
            ATTRIBUTE_NAMES[k] for k in np.flatnonzero((before != after).any(0))
        }
    own = OWN.get(name, set())
    assert changed <= own
    assert bool(changed) == bool(own)


def test_with_factor_copies_and_knows_its_names():
    changed = with_factor(FEW, "smile", 0.5)
    assert (changed[:, FACTOR_NAMES.index("smile")] == 0.5).all()
    assert (changed != FEW).any(axis=0).sum() == 1
    with pytest.raises(ValueError, match=r"no factor 'grin'.*smile"):
        with_factor(FEW, "grin", 0)


# Pictures


def test_a_picture_depends_on_its_factors_alone(monkeypatch):
    assert SMALL.shape == (40, 48, 48, 3) and SMALL.dtype == np.uint8
    np.testing.assert_array_equal(render_faces(FEW[7:9], 48, workers=1), SMALL[7:9])
    np.testing.assert_array_equal(render_faces(FEW[::-1], 48, workers=3)[::-1], SMALL)
    for pixels in (1, 7 * 48**2, 2**18):
        monkeypatch.setattr(render, "BLOCK_PIXELS", pixels)
        np.testing.assert_array_equal(render_faces(FEW, 48, workers=2), SMALL)


def test_rendering_leaves_the_factors_alone():
    factors = FEW.copy()
    render_faces(factors, 16)
    np.testing.assert_array_equal(factors, FEW)


NEEDS = {  # what must be worn for a factor to show
    "glasses_shape": {"glasses": 1},
    "glasses_tint": {"glasses": 1},
    "hat_hue": {"hat": 1},
    "hat_value": {"hat": 1},
    "tie_hue": {"tie": 1},
    "lipstick_hue": {"lipstick": 1},
    "parting": {"hair_length": 0.2},
    "male": {"necklace": 0},
}


@pytest.mark.parametrize("name", FACTOR_NAMES)
def test_every_factor_is_seen(name):
    worn = {"tie": 0, "freckles": 0, "mustache": 0, "goatee": 0} | NEEDS.get(name, {})
    assert change(name, **worn).max() >= 3


@pytest.mark.parametrize("size", [32, 96])
def test_faces_stand_out_and_differ(size):
    pictures = render_faces(FEW, size).astype(int)
    assert (pictures.std(axis=(1, 2)).max(axis=1) > 8).all()
    assert (np.abs(pictures[1:] - pictures[:-1]).mean(axis=(1, 2, 3)) > 5).all()


@pytest.mark.parametrize("pitch", [-0.15, 0, 0.15])
def test_eyes_stay_where_they_are_when_the_head_turns(pitch):
    straight = eyes(eye_open=1).mean(axis=0)
    for yaw in (-0.5, -0.25, 0.25, 0.5):
        turned = eyes(eye_open=1, yaw=yaw, pitch=pitch).mean(axis=0)
        np.testing.assert_allclose(turned, straight, atol=1)


def test_the_shifts_go_right_and_up_and_the_scale_enlarges():
    (x, y), still = eyes().mean(axis=0), np.diff(eyes()[:, 0])
    moved = eyes(shift_x=0.03, shift_y=0.03).mean(axis=0) - (x, y)
    np.testing.assert_allclose(moved, [0.03 * 48, -0.03 * 48], atol=0.3)
    larger = np.diff(eyes(scale=1.06)[:, 0])
    np.testing.assert_allclose(larger / still, 1.06, atol=0.02)


def test_a_negative_yaw_faces_left_in_the_picture():
    for yaw in (-0.4, 0.4):
        seen = change("nose_point", yaw=yaw)
        tip = centre(seen * (seen > seen.max() / 3))[0]
        ahead = tip - eyes(yaw=yaw)[:, 0].mean()
        assert np.sign(ahead) == np.sign(yaw) and abs(ahead) > 1.5
    left = attributes_of(middle(2, yaw=[-0.4, 0.4]))
    assert left[:, ATTRIBUTE_NAMES.index("Facing_Left")].tolist() == [True, False]


def test_a_smile_raises_the_corners_of_the_mouth():
    def bend(smile):
        """Return by how many pixels the corners lie above the middle of the lips."""
        lips = change("lipstick", smile=smile, mouth_open=0, mustache=0, goatee=0) > 8
        columns = np.flatnonzero(lips.any(axis=0))
        rows = [np.flatnonzero(lips[:, c]).mean() for c in columns]
        return np.median(rows) - (rows[0] + rows[-1]) / 2

    assert bend(1) > bend(0.4) > bend(0) > bend(-0.3)
    assert bend(1) > 0.5 > -0.5 > bend(-0.3)


def test_tinted_glasses_darken_the_eyes_and_clear_ones_draw_a_frame():
    bare, tinted, clear = render_faces(
        middle(3, glasses=[0, 1, 1], glasses_tint=[0, 1, 0]), 96
    ).mean(axis=-1)
    (left, row), (right, _) = eyes().round().astype(int)
    around = np.s_[row - 3 : row + 4, [*range(left - 3, left + 4)]]
    assert tinted[around].mean() < bare[around].mean() - 40
    assert abs(clear[around].mean() - bare[around].mean()) < 15
    frame = (bare - clear > 30)[row - 9 : row + 10, left - 9 : right + 10]
    assert frame.mean() > 0.08


def test_lighter_and_darker_are_what_they_say():
    cheek = np.s_[56:62, 44:52]
    skin = varied("skin_tone")[(slice(None), *cheek)].mean(axis=(1, 2, 3))
    assert skin[0] > skin[1] + 60
    hair = varied("hair_tone")[:, 6:14, 40:56].mean(axis=(1, 2, 3))
    assert hair[1] > hair[0] + 40
    wall = varied("background_value")[:, 2:8, 2:8].mean(axis=(1, 2, 3))
    assert wall[1] > wall[0] + 80


def test_light_comes_from_where_it_says():
    for x in (-0.9, 0.9):
        face = render_faces(middle(light_x=x), 96)[0, 40:70].mean(axis=(0, 2))
        assert np.sign(face[58:66].mean() - face[30:38].mean()) == np.sign(x)


def test_a_mirrored_face_is_a_mirrored_picture():
    plain = FEW
    for name in ("grain", "freckles", "strands", "background_spots", "hair_wave"):
        plain = with_factor(plain, name, 0)  # what noise decides
    mirrored = plain
    for name in SIDED:
        k = FACTOR_NAMES.index(name)
        mirrored = with_factor(mirrored, name, -plain[:, k])
    one = render_faces(plain, 48).astype(int)
    other = render_faces(mirrored, 48)[:, :, ::-1].astype(int)
    assert np.median(np.abs(one - other).mean(axis=(1, 2, 3))) < 4
    assert np.median(np.abs(one - other[:, :, ::-1]).mean(axis=(1, 2, 3))) > 15


def test_a_small_picture_is_a_large_one_seen_from_afar():
    still = with_factor(FEW, "grain", 0)  # drawn a pixel at a time, at any size
    large = render_faces(still, 96).astype(float)
    seen = large.reshape(len(FEW), 48, 2, 48, 2, 3).mean(axis=(2, 4))
    apart = np.abs(seen - render_faces(still, 48)).mean(axis=(1, 2, 3))
    assert apart.mean() < 3 and apart.max() < 5
    assert abs((seen - render_faces(still, 48)).mean()) < 1


def test_pictures_say_what_their_attributes_are():
    """A linear rule on 150 components of the pixels reads them."""
    factors = draw_factors(PROBED + 600, seed=5)
    truth = attributes_of(factors)
    pixels = render_faces(factors, 32).reshape(PROBED + 600, -1) / np.float32(255)
    pca = PCA(150, svd_solver="randomized", random_state=0).fit(pixels[:PROBED])
    codes = pca.transform(pixels) / np.sqrt(pca.explained_variance_)

    def balanced(name):
        has = truth[:, ATTRIBUTE_NAMES.index(name)]
        share = has[:PROBED].mean()
        weights = np.where(has[:PROBED], 0.5 / share, 0.5 / (1 - share))
        rule = Ridge(1.0).fit(codes[:PROBED], 2.0 * has[:PROBED] - 1, weights)
        said = rule.predict(codes[PROBED:]) > 0
        has = has[PROBED:]
        return (said[has].mean() + (~said[~has]).mean()) / 2

    wanted = {"Smiling": 0.75, "Eyeglasses": 0.95, "Male": 0.8, "Facing_Left": 0.85}
    assert {n: s for n, least in wanted.items() if (s := balanced(n)) < least} == {}


def spoiled(name, value):
    factors = FEW.copy()
    factors[0, FACTOR_NAMES.index(name)] = value
    return factors


@pytest.mark.parametrize("values", [np.nan, [0.1], "a", [np.inf] * len(FEW)])
def test_a_factor_is_set_to_numbers_one_a_face(values):
    with pytest.raises(ValueError, match="values"):
        with_factor(FEW, "smile", values)


@pytest.mark.parametrize(
    ("factors", "word"),
    [
        (FEW[0], r"shape \(\d+,\)"),
        (FEW[:, :5], r"expected \(n, \d+\)"),
        (spoiled("smile", np.nan), "factors: 'smile' is NaN"),
        (spoiled("yaw", np.inf), "factors: 'yaw' is NaN or outside"),
        (with_factor(FEW, "age", 1.5), r"'age' .* \[0, 1\]"),
        (FEW.astype(str), "factors must be numbers"),
    ],
    ids=["one row", "few columns", "NaN", "infinite", "outside", "text"],
)
@pytest.mark.parametrize("use", [render_faces, attributes_of])
def test_factors_that_are_none_are_refused(use, factors, word):
    with pytest.raises(ValueError, match=word):
        use(factors)


@pytest.mark.parametrize("size", [0, 15, 513, 48.5, -48])
def test_sizes_that_are_none_are_refused(size):
    with pytest.raises(ValueError, match="whole number"):
        render_faces(FEW, size)


@pytest.mark.parametrize("n", [-1, 2.0, np.inf, 10**12, 20_000_000])
def test_a_number_of_faces_that_is_none_is_refused(n):
    with pytest.raises(ValueError, match="n "):
        draw_factors(n)


@pytest.mark.parametrize("seed", [-1, None, 0.5])
def test_a_seed_of_faces_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="seed must be a whole number"):
        draw_factors(3, seed)


# Sets


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The name of a set of 6 and 4 faces, kept in an empty cache."""
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sets.SETS, "faces-tiny", (16, 6, 4))
    reopen()
    yield "faces-tiny"
    reopen()


def reopen():
    """Forget what this process has opened."""
    sets._load.cache_clear()


def kept(tmp_path, split="train"):
    """Return the folder in which a split of the tiny set is kept."""
    (folder,) = (tmp_path / "cache").glob(f"faces-tiny-{split}-*")
    return folder


def test_made_faces_have_all_that_is_known_of_them():
    data = make_faces(5, seed=3, size=24, split="test")
    assert isinstance(data, Dataset)
    assert (data.name, data.split, len(data)) == ("faces-24", "test", 5)
    assert data.image_shape == (24, 24, 3) and data.labels is None
    assert data.factor_names == FACTOR_NAMES
    assert data.attribute_names == ATTRIBUTE_NAMES
    np.testing.assert_array_equal(data.factors, draw_factors(5, seed=3))
    np.testing.assert_array_equal(data.images, render_faces(data.factors, 24))
    np.testing.assert_array_equal(data.attributes, attributes_of(data.factors))
    assert "CC BY 4.0" in data.source


def test_made_faces_do_not_depend_on_n():
    few, more = make_faces(3, seed=4, size=16), make_faces(9, seed=4, size=16)
    np.testing.assert_array_equal(few.images, more.images[:3])
    np.testing.assert_array_equal(few.attributes, more.attributes[:3])


def test_the_sets_of_the_course_are_listed_with_their_sizes():
    assert sets.SETS["faces-96"] == (96, 170_000, 2_000)
    for name in ("faces-64", "faces-48"):
        assert sets.SETS[name][1:] == (20_000, 2_000)
    assert sets.SETS["faces-48-few"] == (48, 400, 200)
    for name, (size, train, test) in sets.SETS.items():
        about = datasets.SOURCES[name].about
        assert f"{train + test:,}" in about and f"{size}×{size}" in about


def test_a_set_is_drawn_once_and_mapped(tiny, monkeypatch):
    first = faces.load(tiny)
    assert (first.name, first.split, len(first)) == (tiny, "train", 6)
    assert isinstance(first.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        first.images[0] = 0
    np.testing.assert_array_equal(first.images, make_faces(6, 0, 16).images)
    np.testing.assert_array_equal(first.attributes, attributes_of(first.factors))
    reopen()
    monkeypatch.setattr(sets, "render_faces", None)  # cannot be drawn again
    np.testing.assert_array_equal(faces.load(tiny).images, first.images)


def test_the_splits_share_no_face(tiny):
    train, test = faces.load(tiny, "train"), faces.load(tiny, "test")
    assert len(test) == 4 and test.split == "test"
    assert (test.factors[:, None] != train.factors[None]).any(axis=-1).all()


def test_what_is_loaded_of_the_course_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("VAETUT_CACHE", str(tmp_path))
    reopen()
    data = datasets.load("faces-48-few", "test")
    reopen()
    assert data.images.shape == (200, 48, 48, 3)
    np.testing.assert_array_equal(data.images[:3], make_faces(3, 1, 48).images)


def shorten(path):
    path.write_bytes(path.read_bytes()[:-100])


def alter(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [shorten, alter])
def test_a_damaged_cache_is_named_with_the_mend(tiny, tmp_path, damage):
    faces.load(tiny)
    path = kept(tmp_path) / "images.npy"
    damage(path)
    reopen()
    with pytest.raises(DataError, match="is damaged") as error:
        faces.load(tiny)
    assert str(path) in str(error.value) and "Remove" in str(error.value)
    assert any(str(path) in problem for problem in faces.verify(tiny))


def test_verify_finds_nothing_where_nothing_is_kept_or_damaged(tiny):
    assert faces.verify(tiny) == []
    faces.load(tiny, "test")
    assert faces.verify(tiny) == []
    with pytest.raises(ValueError, match="no set of faces 'faces-8'"):
        faces.verify("faces-8")


def test_verify_finds_faces_that_this_machine_draws_otherwise(tiny, monkeypatch):
    faces.load(tiny)
    drawn = render_faces(draw_factors(6, 0)[-1:], 16)
    monkeypatch.setattr(sets, "render_faces", lambda *_: drawn ^ 128)
    (problem,) = faces.verify(tiny)
    assert "another one" in problem and "Remove" in problem


def test_a_new_version_of_the_renderer_is_drawn_anew(tiny, tmp_path, monkeypatch):
    faces.load(tiny, "test")
    old = kept(tmp_path, "test")
    monkeypatch.setattr(sets, "VERSION", sets.VERSION + 1)
    reopen()
    faces.load(tiny, "test")
    folders = {*(tmp_path / "cache").glob("faces-tiny-test-*")}
    assert old in folders and len(folders) == 2
    assert cache.verify("faces-tiny-test") == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("faces-97",), "no set of faces 'faces-97'.*faces-96"),
        (("faces-48-few", "validation"), "no split 'validation'.*train, test"),
    ],
)
def test_unknown_names_list_what_there_is(arguments, word):
    with pytest.raises(ValueError, match=word):
        faces.load(*arguments)


def test_a_set_is_written_as_pictures(tiny, tmp_path):
    paths = faces.make(tiny, tmp_path / "out")
    assert [path.name for path in paths] == ["train", "test"]
    data = faces.load(tiny)
    pngs = sorted(paths[0].glob("*.png"))
    assert len(pngs) == 6
    np.testing.assert_array_equal(np.asarray(Image.open(pngs[2])), data.images[2])
    again = files.load_folder(paths[0])
    np.testing.assert_array_equal(again.images, data.images)
    np.testing.assert_array_equal(again.attributes, data.attributes)
    np.testing.assert_allclose(again.factors, data.factors, rtol=1e-6)
    assert again.factor_names == FACTOR_NAMES


def test_a_set_is_written_as_one_file_a_split(tiny, tmp_path):
    paths = faces.make(tiny, tmp_path / "out", "npz")
    assert [path.name for path in paths] == ["train.npz", "test.npz"]
    data, again = faces.load(tiny, "test"), files.load_npz(paths[1])
    for column in ("images", "factors", "attributes"):
        np.testing.assert_array_equal(getattr(again, column), getattr(data, column))


def test_an_unknown_format_is_refused(tiny, tmp_path):
    with pytest.raises(ValueError, match=r"no format 'gif'.*png, npz"):
        faces.make(tiny, tmp_path / "out", "gif")
    with pytest.raises(ValueError, match="no set of faces"):
        faces.make("faces", tmp_path / "out")
