"""Scores, null scores and angles of codes whose answers are known."""

import numpy as np
import pytest
from scipy import stats

from vaetut.analysis import disentanglement as dis

RNG = np.random.default_rng(0)
FACTORS = RNG.uniform(-1, 1, size=(5000, 2))
NOISE = RNG.normal(size=(5000, 3))
ALIGNED = np.column_stack([FACTORS, 0.1 * NOISE[:, 0]])
SCORES = {
    "sap": dis.sap,
    "mig": dis.mig,
    "dci": lambda c, f: dis.dci(c, f, trees=10),
    "factor_vae": dis.factor_vae_score,
}


def turn(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


def square_grid(n=400):
    """Return the middles (n², 2) of the cells of [-1, 1]²."""
    middles = (np.arange(n) + 0.5) * 2 / n - 1
    return np.stack(np.meshgrid(middles, middles), -1).reshape(-1, 2)


# ---- Entanglement


def test_entanglement_is_the_mean_over_pairs_of_dimensions():
    codes = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, 0.0]])
    by_hand = np.mean([(2 + 20) / 2, (3 + 0) / 2, (6 + 0) / 2])
    assert dis.entanglement(codes) == pytest.approx(by_hand)
    assert type(dis.entanglement(codes)) is float
    assert dis.entanglement([[3, 0], [0, -2], [-1, 0]]) == 0  # on the axes


def test_it_is_not_centred_and_a_constant_dimension_counts_as_it_stands():
    codes = RNG.normal(size=(50, 2))
    moved = codes + np.array([0, 10])
    assert dis.entanglement(moved) == pytest.approx(
        np.abs(moved[:, 0] * moved[:, 1]).mean()
    )
    assert dis.entanglement(np.column_stack([codes[:, 0], np.full(50, 2.0)])) == (
        pytest.approx(2 * np.abs(codes[:, 0]).mean())
    )
    assert dis.entanglement(np.column_stack([codes[:, 0], np.zeros(50)])) == 0


def test_a_square_prefers_to_be_entangled():
    curve = dis.rotation_curve(square_grid(), np.radians([0, 45, 90, 135]))
    assert curve == pytest.approx([1 / 4, 1 / 6, 1 / 4, 1 / 6], abs=1e-5)


def test_a_gaussian_does_not_mind_and_a_laplace_prefers_its_axes():
    rng = np.random.default_rng(1)
    angles = np.radians([0, 20, 45])
    normal = dis.rotation_curve(rng.normal(size=(1_000_000, 2)), angles)
    assert normal == pytest.approx(2 / np.pi, rel=0.005)
    laplace = dis.rotation_curve(rng.laplace(size=(1_000_000, 2)), angles)
    assert laplace[[0, 2]] == pytest.approx([1.0, 1.5], rel=0.01)


@pytest.mark.parametrize(
    ("aspect", "degrees"), [(1, 45), (1.5, 45), (1.7, 62), (2, 90)]
)
def test_a_rectangle_prefers_an_oblique_angle_then_its_axes(aspect, degrees):
    angles = np.radians(np.arange(45, 91))
    curve = dis.rotation_curve(square_grid(200) * [aspect, 1], angles)
    assert 45 + curve.argmin() == pytest.approx(degrees, abs=2)


def test_the_rotation_curve_is_the_entanglement_of_turned_codes():
    codes = RNG.normal(size=(300, 2)) * [1, 3] + [0.5, 1]
    degrees = [-30, 0, 10, 200]
    turned = [dis.entanglement(codes @ turn(t).T) for t in degrees]
    curve = dis.rotation_curve(codes, np.radians(degrees))
    assert curve.shape == (4,) and curve == pytest.approx(turned)


# ---- SAP


@pytest.mark.parametrize("mixing", [np.eye(3), RNG.normal(size=(3, 3))])
def test_sap_is_that_of_regressions_one_by_one(mixing):
    from sklearn.linear_model import LinearRegression

    codes = ALIGNED @ mixing + 4
    leads = []
    for factor in FACTORS.T:
        r2 = [
            LinearRegression().fit(c[:, None], factor).score(c[:, None], factor)
            for c in codes.T
        ]
        leads.append(sorted(r2)[-1] - sorted(r2)[-2])
    assert dis.sap(codes, FACTORS) == pytest.approx(np.mean(leads), abs=1e-9)


def test_sap_of_aligned_codes_is_one_less_the_other_dimensions_r2():
    other = np.corrcoef(FACTORS.T)[0, 1] ** 2
    assert dis.sap(FACTORS * [3, -0.1], FACTORS) == pytest.approx(1 - other)


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 80])
def test_sap_of_turned_codes_is_the_cosine_of_twice_the_angle(degrees):
    grid = square_grid(50)
    expected = abs(np.cos(2 * np.radians(degrees)))
    assert dis.sap(grid @ turn(degrees).T, grid) == pytest.approx(expected, abs=1e-9)


# ---- MIG


@pytest.mark.parametrize("bins", [5, 20])
def test_mig_is_that_of_scikit_learns_information(bins):
    from sklearn.metrics import mutual_info_score

    codes = FACTORS @ np.array([[1.0, 0.3, 0.1], [-0.2, 1.0, 0.5]]) + 0.1 * NOISE
    codes[:, 2] = np.round(codes[:, 2], 1)  # ties

    def binned(values):
        edges = [np.quantile(values, b / bins) for b in range(1, bins)]
        return [sum(v >= e for e in edges) for v in values]

    leads = []
    for factor in FACTORS.T:
        labels = binned(factor)
        nats = sorted(mutual_info_score(binned(c), labels) for c in codes.T)
        leads.append((nats[-1] - nats[-2]) / np.log(bins))
    assert dis.mig(codes, FACTORS, bins) == pytest.approx(np.mean(leads), abs=1e-12)


def test_mig_is_one_for_aligned_codes_and_none_for_noise_or_at_45_degrees():
    bias = 19**2 / (2 * 5000) / np.log(20)
    assert dis.mig(ALIGNED, FACTORS) == pytest.approx(1 - bias, abs=0.003)
    assert dis.mig(np.exp(3 * FACTORS), FACTORS) == dis.mig(FACTORS, FACTORS)
    grid = square_grid(40)
    assert dis.mig(grid, grid) == pytest.approx(1, abs=1e-12)  # exactly even
    assert 0 <= dis.mig(NOISE, FACTORS) < 0.005
    assert dis.mig(FACTORS @ turn(45).T, FACTORS) < 0.02


def test_information_is_symmetric_and_a_dimension_twice_has_no_lead():
    nats = dis._mutual_information(ALIGNED, FACTORS, 20)
    assert nats.shape == (3, 2)
    other = dis._mutual_information(FACTORS, ALIGNED, 20)
    assert nats == pytest.approx(other.T, abs=1e-12)
    assert dis.mig(np.repeat(FACTORS, 2, axis=1), FACTORS) == 0


# ---- DCI
IMPORTANCES = [
    np.eye(2),
    np.full((3, 2), 1 / 3),
    np.array([[0.7, 0.1], [0.2, 0.6], [0.1, 0.3]]),
    np.array([[0.9, 0.2, 0.5], [0.1, 0.8, 0.5]]),
    np.array([[1.0, 0.5], [0.0, 0.5], [0.0, 0.0]]),
]


@pytest.mark.parametrize("importance", IMPORTANCES)
def test_entropy_scores_are_disentanglement_libs(importance):
    d, k = importance.shape
    of_dimension = 1 - stats.entropy(importance.T + 1e-11, base=k)
    of_factor = 1 - stats.entropy(importance + 1e-11, base=d)
    total = importance.sum()
    expected = (
        (of_dimension * importance.sum(1) / total).sum(),
        (of_factor * importance.sum(0) / total).sum(),
    )
    assert dis._entropy_scores(importance) == pytest.approx(expected, abs=1e-8)


def test_entropy_scores_by_hand():
    # One dimension for both factors tells all of each; a quarter each is 2 bits.
    assert dis._entropy_scores(np.array([[1, 1], [0, 0]])) == pytest.approx((0, 1))
    assert dis._entropy_scores(np.array([[1, 0], [1, 0], [0, 1], [0, 1]])) == (
        pytest.approx((1, 0.5))
    )
    three_to_one = 1 - (0.75 * np.log2(4 / 3) + 0.25 * np.log2(4))
    assert dis._entropy_scores(np.array([[3, 1], [1, 3]])) == (
        pytest.approx((three_to_one, three_to_one))
    )
    assert dis._entropy_scores(np.array([[1, 0], [0, 0]])) == pytest.approx((1, 0.5))
    assert dis._entropy_scores(np.zeros((3, 2))) == (0, 0)


def test_dci_of_aligned_turned_mixed_codes_and_noise():
    aligned = dis.dci(ALIGNED, FACTORS)
    assert aligned == pytest.approx((1, 1, 1), abs=0.02)
    assert aligned == dis.dci(ALIGNED, FACTORS)  # of one seed
    turned = dis.dci(FACTORS @ turn(45).T, FACTORS, trees=20)
    assert turned[:2] == pytest.approx((0, 0), abs=0.05) and turned[2] > 0.97
    noise = dis.dci(NOISE, FACTORS, trees=20)
    assert noise[:2] == pytest.approx((0, 0), abs=0.05)
    assert -0.2 < noise.informativeness <= 0.01
    half = np.column_stack([FACTORS[:, 0], NOISE[:, :2]])
    assert dis.dci(half, FACTORS, trees=20)[2] == pytest.approx(0.5, abs=0.1)


def test_informativeness_is_scikit_learns_r2_of_rows_held_out():
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.metrics import r2_score

    codes, factors = ALIGNED[:400] + 0.3 * NOISE[:400], FACTORS[:400]
    got = dis.dci(codes, factors, seed=5, held_out=0.1, trees=5)
    rng = np.random.default_rng(5)
    test, train = np.split(rng.permutation(400), [40])
    r2 = []
    for factor in factors.T:
        state = int(rng.integers(2**31))
        forest = RandomForestRegressor(5, min_samples_leaf=5, random_state=state)
        forest.fit(codes[train], factor[train])
        r2.append(r2_score(factor[test], forest.predict(codes[test])))
    # Trees split at other roundings of a factor that is scaled.
    assert got.informativeness == pytest.approx(np.mean(r2), abs=1e-6)


def test_dci_is_complete_but_not_disentangled_where_one_dimension_holds_both():
    digits = np.floor(RNG.uniform(size=(2000, 2)) * 4)  # two factors of four values
    both = np.column_stack([4 * digits[:, 0] + digits[:, 1], RNG.normal(size=2000)])
    got = dis.dci(both, digits, trees=20)
    assert got.completeness > 0.95 and got.informativeness > 0.99
    assert got.disentanglement < 0.05


# ---- FactorVAE score


@pytest.mark.parametrize("degrees", [0, 20, 35])
def test_factor_vae_does_not_see_a_small_turn(degrees):
    codes = np.column_stack([FACTORS @ turn(degrees).T, NOISE[:, 0]])
    assert dis.factor_vae_score(codes, FACTORS) == 1.0


@pytest.mark.parametrize("codes", [NOISE, FACTORS @ turn(45).T])
def test_factor_vae_of_noise_or_at_45_degrees_is_chance(codes):
    scores = [dis.factor_vae_score(codes, FACTORS, seed=s) for s in range(4)]
    assert np.mean(scores) == pytest.approx(0.5, abs=0.06)
    assert scores[0] == dis.factor_vae_score(codes, FACTORS, seed=0)
    assert len(set(scores)) > 1


def test_factor_vae_is_of_votes_that_it_was_not_fitted_to():
    # Eight votes are too few to stand for anything: four fit their own well above 0.5.
    scores = [
        dis.factor_vae_score(NOISE[:400], FACTORS[:400], seed=s, votes=8)
        for s in range(200)
    ]
    assert np.mean(scores) == pytest.approx(0.5, abs=0.08)


def test_factor_vae_takes_tied_rows_at_random():
    # Rows of one a are in the order of b: neighbours among them hold b still as well.
    a, b = np.divmod(np.arange(5000), 500)
    factors = np.stack([a / 9, b / 499], axis=1)
    codes = factors + np.stack([0.1 * NOISE[:, 0], 0 * b], axis=1)
    assert dis.factor_vae_score(codes, factors, batch=32) > 0.99


def test_factor_vae_leaves_dead_dimensions_out():
    codes = np.column_stack([np.full(5000, 7.0), ALIGNED, 1e-9 * FACTORS[:, ::-1]])
    assert dis.factor_vae_score(codes, FACTORS) == 1.0
    lone = np.column_stack([FACTORS[:, 0], np.zeros(5000)])
    assert dis.factor_vae_score(lone, FACTORS) == pytest.approx(0.5, abs=0.1)


# ---- All scores


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_finite_and_keep_under_order_scale_and_dead_dimensions(name):
    score = SCORES[name]
    mixing = np.array([[1.0, 0.2, 0.3], [0.1, -0.9, 0.4], [0, 0, 1]])
    codes = ALIGNED @ mixing
    own = np.array(score(codes, FACTORS))
    assert np.isfinite(own).all()
    atol = 0.01 if name == "dci" else 1e-9  # a forest takes dimensions in turn
    again = [codes[:, [2, 0, 1]], codes * [-1e3, 1, 1e-2] + 5]
    for same in again:
        assert np.array(score(same, FACTORS)) == pytest.approx(own, abs=atol)
    assert np.array(score(codes, FACTORS[:, ::-1])) == pytest.approx(own, abs=0.03)
    if name != "dci":  # its base is the number of dimensions
        dead = np.column_stack([codes, np.full(5000, 0.1), 1e-9 * FACTORS])
        assert score(dead, FACTORS) == pytest.approx(own, abs=1e-9)


@pytest.mark.parametrize("name", SCORES)
def test_a_constant_dimension_tells_nothing(name):
    codes = np.column_stack([FACTORS[:, 0], np.full(5000, 0.1)])
    got = np.array(SCORES[name](codes, FACTORS))
    assert np.isfinite(got).all()
    # Of one factor all, of the other nothing, and chance where that is a half.
    expected = {"sap": 0.5, "mig": 0.5, "factor_vae": 0.5, "dci": [0, 1, 0.45]}
    assert got == pytest.approx(np.array(expected[name]), abs=0.1)


def test_lists_and_float32_are_codes_too():
    codes, factors = FACTORS[:200].astype(np.float32), FACTORS[:200].tolist()
    assert dis.sap(codes, factors) == pytest.approx(
        dis.sap(FACTORS[:200], FACTORS[:200]), abs=1e-5
    )
    assert dis.mig(codes.tolist(), factors, bins=4) > 0.9
    assert dis.entanglement(codes.tolist()) > 0


# ---- Axes at random


@pytest.mark.parametrize("d", [2, 3, 6])
def test_rotations_are_proper_and_repeat_with_their_seed(d):
    rotations = dis.random_rotations(d, 50, seed=3)
    assert rotations.shape == (50, d, d)
    products = rotations @ rotations.swapaxes(1, 2)
    assert products == pytest.approx(np.broadcast_to(np.eye(d), products.shape))
    assert np.linalg.det(rotations) == pytest.approx(1)
    np.testing.assert_array_equal(rotations, dis.random_rotations(d, 50, seed=3))


def test_rotations_are_even():
    plane = dis.random_rotations(2, 4000, seed=0)
    angles = np.arctan2(plane[:, 1, 0], plane[:, 0, 0])
    assert stats.kstest(angles, "uniform", (-np.pi, 2 * np.pi)).pvalue > 0.01
    # Every entry of a rotation in space is even in [-1, 1] (Archimedes), and its
    # angle has density (1 - cos t)/π.
    space = dis.random_rotations(3, 4000, seed=0)
    for entry in space.reshape(4000, 9).T:
        assert stats.kstest(entry, "uniform", (-1, 2)).pvalue > 0.001
    angle = np.arccos(np.clip((np.trace(space, axis1=1, axis2=2) - 1) / 2, -1, 1))
    even = stats.kstest(angle, lambda t: (t - np.sin(t)) / np.pi)
    assert even.pvalue > 0.01


def test_the_null_is_the_score_of_turned_codes():
    null = dis.rotation_null(dis.entanglement, NOISE, count=5, seed=2)
    turned = [NOISE @ r.T for r in dis.random_rotations(3, 5, seed=2)]
    assert null.tolist() == [dis.entanglement(c) for c in turned]


def test_aligned_codes_stand_out_of_their_null_and_turned_ones_do_not():
    def score(codes):
        return dis.sap(codes, FACTORS)

    null = dis.rotation_null(score, FACTORS)
    assert null.shape == (200,)
    # |cos 2θ| of an even angle has mean 2/π.
    assert null.mean() == pytest.approx(2 / np.pi, abs=0.05)
    assert dis.null_rank(score(FACTORS), null) > 0.95
    ranks = [
        dis.null_rank(score(FACTORS @ r.T), null)
        for r in dis.random_rotations(2, 200, seed=9)
    ]
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.08)
    assert dis.null_rank(*_entangled_square()) == 1  # aligned is the worst there is


def _entangled_square():
    grid = square_grid(50)
    return dis.entanglement(grid), dis.rotation_null(dis.entanglement, grid, 50)


def test_ties_of_a_rank_count_half():
    assert dis.null_rank(2, [1, 2, 2, 3]) == 0.5
    assert dis.null_rank(0, [1, 2]) == 0 and dis.null_rank(3, [1, 2]) == 1
    assert dis.null_rank(1, [1, 2]) == 0.25
    assert dis.null_rank(5.0, np.full(7, 5.0)) == 0.5


# ---- Orientation


def test_angles_by_hand():
    aligned = dis.orientation([[[2, 0, 0], [0, -1e-50, 0]]])
    assert aligned == (0, 90)
    turned = dis.orientation([[[1, 1, 0], [-3, 3, 0]]])
    assert turned == pytest.approx((45, 90))
    same = dis.orientation([[[1, 2, 3], [-10, -20, -30]]])
    assert same == pytest.approx((np.degrees(np.arccos(3 / 14**0.5)), 0), abs=1e-9)
    third = np.radians(60)
    close = dis.orientation([[[1, 0], [np.cos(third), np.sin(third)]]])
    assert close == pytest.approx(((0 + 30) / 2, 60))


def test_angles_are_medians_over_points_and_pairs():
    points = np.stack([np.stack([turn(t)[0], [0.0, 1.0]]) for t in (5, 10, 40)])
    got = dis.orientation(points)
    assert got.between == pytest.approx(80)
    assert got.to_axis == pytest.approx(2.5)  # of 0, 0, 0, 5, 10, 40
    three = dis.orientation([[[1, 0, 0], [0, 1, 0], [1, 1, 0]]])
    assert three == pytest.approx((0, 45))


@pytest.mark.parametrize(("d", "levels"), [(2, (22.5, 45)), (3, (33.56, 60))])
def test_angles_at_random(d, levels):
    tangents = np.random.default_rng(4).normal(size=(100_000, 2, d))
    assert dis.orientation(tangents) == pytest.approx(levels, abs=0.3)


# ---- Bad input
FEW, TWO = NOISE[:300], FACTORS[:300]
ONES = np.ones((300, 2))
RARE = np.column_stack([TWO[:, 0], np.arange(300) == 0])


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize(
    ("codes", "factors", "words"),
    [
        (FEW, TWO[1:], "codes and factors must have as many rows: 300 and 299"),
        (FEW[:, :1], TWO, "codes must have two dimensions or more"),
        (FEW[:, 0], TWO, "codes must have 2 axes"),
        (FEW, TWO[:, 0], "factors must have 2 axes"),
        (FEW[:2], TWO[:2], r"codes must be \d+ or more, not 2"),
        (FEW[:0], TWO[:0], "codes is empty"),
        (ONES * 0.1, TWO, "codes are all the same"),
        (FEW, TWO * [1, 0], "factors must vary"),
        (FEW * [1, np.nan, 1], TWO, "codes holds NaN"),
        (FEW, TWO * [np.inf, 1], "factors holds NaN or infinity"),
        ("codes", TWO, "codes must hold real numbers"),
    ],
)
def test_bad_codes_and_factors_are_named_by_every_score(name, codes, factors, words):
    with pytest.raises(ValueError, match=words):
        SCORES[name](codes, factors)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dis.entanglement(FEW[:, :1]), "two dimensions or more"),
        (lambda: dis.entanglement(ONES), "codes are all the same"),
        (lambda: dis.entanglement(FEW[:1]), "codes must be 2 or more, not 1"),
        (lambda: dis.entanglement([[1, np.nan]]), "codes holds NaN"),
        (lambda: dis.mig(FEW, TWO, bins=1), "bins must be"),
        (lambda: dis.mig(FEW, TWO, bins=31), "codes must be 310 or more"),
        (lambda: dis.dci(FEW, TWO[:, :1]), "factors must be 2 or more, not 1"),
        (lambda: dis.dci(FEW, TWO, seed=None), "seed must be"),
        (lambda: dis.dci(FEW, TWO, held_out=1), "held_out must lie"),
        (lambda: dis.dci(FEW, TWO, held_out=0.02), "into 294 and 6: each must"),
        (lambda: dis.dci(FEW, TWO, held_out=0.98), "into 6 and 294: each must"),
        (lambda: dis.dci(FEW, TWO, trees=0), "trees must be"),
        (lambda: dis.dci(FEW, RARE), "factors must vary both"),
        (lambda: dis.dci(FEW, RARE[::-1]), "factors must vary both"),
        (lambda: dis.factor_vae_score(FEW, TWO[:, :1]), "factors must be 2 or more"),
        (lambda: dis.factor_vae_score(FEW, TWO, votes=1), "votes must be"),
        (lambda: dis.factor_vae_score(FEW, TWO, batch=1), "batch must be"),
        (lambda: dis.factor_vae_score(FEW, TWO, batch=76), "codes must be 304 or"),
        (lambda: dis.factor_vae_score(FEW, TWO, seed=-1), "seed must be"),
        (lambda: dis.random_rotations(1, 5, 0), "d must be"),
        (lambda: dis.random_rotations(2, 0, 0), "count must be"),
        (lambda: dis.random_rotations(2, 5, 0.5), "seed must be"),
        (lambda: dis.rotation_null(3, FEW), "score must be a function"),
        (lambda: dis.rotation_null(dis.sap, ONES), "codes are all the same"),
        (lambda: dis.rotation_null(dis.entanglement, FEW[:, 0]), "must have 2 axes"),
        (lambda: dis.rotation_null(len, FEW, count=-1), "count must be"),
        (lambda: dis.rotation_null(lambda c: np.nan, FEW), "score returned holds"),
        (lambda: dis.rotation_null(lambda c: c[0], FEW), "returned must have 1 axes"),
        (lambda: dis.null_rank(np.nan, [1]), "value holds NaN"),
        (lambda: dis.null_rank([1], [1]), "value must have 0 axes"),
        (lambda: dis.null_rank(1, []), "null is empty"),
        (lambda: dis.orientation([[1, 2], [3, 4]]), "tangents must have 3 axes"),
        (lambda: dis.orientation([[[1, 2]]]), "tangents must be"),
        (lambda: dis.orientation([[[1], [2]]]), "tangents must be"),
        (lambda: dis.orientation([[[1, 2], [0, 0]]]), "tangents of length 0"),
        (lambda: dis.orientation([[[1, np.nan], [0, 1]]]), "tangents holds NaN"),
        (lambda: dis.rotation_curve(FEW, [0]), r"codes must be \(n, 2\)"),
        (lambda: dis.rotation_curve(TWO, 0.5), "angles must have 1 axes"),
        (lambda: dis.rotation_curve(TWO, []), "angles is empty"),
        (lambda: dis.rotation_curve(ONES, [0]), "codes are all the same"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
