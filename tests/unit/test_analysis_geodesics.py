"""Graphs and decoders whose shortest walks are known."""

import numpy as np
import pytest
from scipy import sparse

from vaetut.analysis import (
    chunks,
    geodesic,
    graph_path,
    linear_ratio,
    neighbour_graph,
    path_length,
    pullback_metric,
    straight,
    unevenness,
)

RNG = np.random.default_rng(0)


def sphere(codes):
    """Return points (n, 3) of the unit sphere for angles (θ, φ) from the pole."""
    theta, phi = codes.T
    return np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)],
        axis=1,
    )


def polar(codes):
    """Return points (n, 2) of the plane for (r, θ)."""
    r, angle = codes.T
    return r[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


AXES = np.stack(np.meshgrid(np.linspace(-3, 3, 32), np.linspace(-3, 3, 32)), -1)


def spots(codes):
    """Return images (n, 32, 32, 1) of a spot at the code."""
    square = ((AXES - codes[:, None, None]) ** 2).sum(-1)
    return np.exp(-square / (2 * 0.3**2))[..., None]


CODES = RNG.normal(size=(50, 3))
LINE = straight([0, 0], [1, 1], 5)
NAN = np.full((5, 2), np.nan)
EYES = np.eye(3)[None].repeat(50, 0)
GRAPH = neighbour_graph(CODES, 8)


# ---- Graphs


def test_a_graph_is_symmetric_with_euclidean_lengths():
    codes = RNG.normal(size=(200, 3))
    graph = neighbour_graph(codes, k=6)
    assert graph.shape == (200, 200) and (graph != graph.T).nnz == 0
    degrees = np.diff(graph.indptr)
    assert degrees.min() >= 6 and 6 < degrees.mean() < 12
    assert graph.diagonal().max() == 0
    i, j = graph.nonzero()
    assert graph[i, j] == pytest.approx(np.linalg.norm(codes[i] - codes[j], axis=1))
    distances = np.linalg.norm(codes[7] - codes, axis=1)
    assert (graph[[7]].toarray()[0, np.argsort(distances)[1:7]] > 0).all()


def test_a_path_goes_round_the_hole_of_a_ring():
    angle, radius = RNG.uniform(0, 2 * np.pi, 2000), RNG.uniform(1, 1.4, 2000)
    codes = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    codes = np.concatenate([codes, [[1.2, 0], [-1.2, 0]]])
    walk = codes[graph_path(neighbour_graph(codes), 2000, 2001)]
    assert (walk[[0, -1]] == codes[-2:]).all()
    middle = (walk[1:] + walk[:-1]) / 2
    assert np.linalg.norm(middle, axis=1).min() > 0.9
    # Two tangents and the arc between them, as a string would lie round the hole.
    string = 2 * np.sqrt(1.2**2 - 1) + np.pi - 2 * np.arccos(1 / 1.2)
    assert path_length(walk) == pytest.approx(string, rel=0.05)
    assert path_length(walk) > 2.4


def test_a_path_stays_on_a_rolled_sheet():
    t, height = RNG.uniform(1.5 * np.pi, 4.5 * np.pi, 3000), RNG.uniform(0, 8, 3000)
    codes = np.stack([t * np.cos(t), height, t * np.sin(t)], axis=1)
    walk = graph_path(neighbour_graph(codes), t.argmin(), t.argmax())
    length, chord = path_length(codes[walk]), 1 / linear_ratio(codes[walk])
    rolled_out = (t * np.hypot(1, t) + np.arcsinh(t)) / 2
    flat = np.stack([rolled_out, height], axis=1)
    true = np.linalg.norm(flat[t.argmax()] - flat[t.argmin()])
    assert true * 0.99 < length < true * 1.1
    assert chord > 3  # through the air it is a third of the way
    assert (np.diff(t[walk]) > -0.2).all()


def test_a_metric_moves_the_shortest_path():
    x, y = np.meshgrid(np.arange(9.0), np.arange(5.0))
    codes = np.stack([x.ravel(), y.ravel()], axis=1)
    i, j = 2 * 9, 2 * 9 + 8  # along the row y = 2
    plain = codes[graph_path(neighbour_graph(codes, k=4), i, j)]
    assert (plain[:, 1] == 2).all()
    slow = np.where((codes[:, 1] == 2) & (codes[:, 0] > 1) & (codes[:, 0] < 7), 100, 1)
    graph = neighbour_graph(codes, k=4, metric=slow[:, None, None] * np.eye(2))
    assert graph[i, i + 1] == 1 and graph[i + 3, i + 4] == 10
    assert graph[i + 1, i + 2] == pytest.approx(np.sqrt(50.5))
    round_it = codes[graph_path(graph, i, j)]
    assert np.abs(round_it[:, 1] - 2).max() == 1


def test_edges_of_no_length_are_still_edges():
    codes = np.stack([np.arange(5.0), np.zeros(5)], axis=1)
    blind = np.broadcast_to(np.diag([0.0, 1.0]), (5, 2, 2))
    graph = neighbour_graph(codes, k=1, metric=blind)
    joined = neighbour_graph(codes, k=2, metric=blind)
    assert graph.nnz > 0 and joined.data.max() == 0
    assert graph_path(joined, 0, 4)[[0, -1]].tolist() == [0, 4]


def test_a_path_to_itself_is_one_node():
    assert graph_path(neighbour_graph([[0.0], [1], [2]], 1), 1, 1).tolist() == [1]


@pytest.mark.parametrize("chunk", [4_000_000, 2 * 2 * 3 * 4])  # batches of 4
def test_the_metric_of_a_sphere(chunk, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", chunk)
    codes, asked = RNG.uniform(0.3, 2.5, size=(17, 2)), []
    metric = pullback_metric(lambda z: asked.append(len(z)) or sphere(z), codes)
    true = np.zeros((17, 2, 2))
    true[:, 0, 0], true[:, 1, 1] = 1, np.sin(codes[:, 0]) ** 2
    np.testing.assert_allclose(metric, true, atol=1e-4)
    assert max(asked) == (17 if chunk > 48 else 4) * 4


def test_the_metric_of_a_spot_is_the_same_everywhere():
    codes = RNG.uniform(-1, 1, size=(9, 2))
    metric = pullback_metric(lambda z: spots(z).astype(np.float32), codes)
    area = np.pi / 2 / (6 / 31) ** 2  # ∫ (∂g/∂x)² = π/2 for any width
    np.testing.assert_allclose(metric, area * np.eye(2)[None].repeat(9, 0), atol=0.02)


def test_the_metric_measures_paths_on_a_sphere():
    theta, phi = np.meshgrid(np.linspace(0.1, 1.5, 40), np.linspace(0, 2.5, 80))
    codes = np.stack([theta.ravel(), phi.ravel()], axis=1)
    codes += RNG.uniform(-0.01, 0.01, size=codes.shape)
    ends = np.array([[0.8, 0], [0.8, 2.5]])
    codes = np.concatenate([ends, codes])
    graph = neighbour_graph(codes, k=16, metric=pullback_metric(sphere, codes))
    walk = sphere(codes[graph_path(graph, 0, 1)])
    true = np.arccos(walk[0] @ walk[-1])
    assert true * 0.99 < path_length(walk) < true * 1.05
    assert path_length(sphere(straight(*ends, 99))) > true * 1.15


def test_the_geodesic_of_a_decoder_that_changes_nothing_is_straight():
    line = straight([0, 0, 0], [1, 2, 3], 20)
    bent = line.copy()
    bent[1:-1] += 0.3 * RNG.normal(size=(18, 3))
    before = bent.copy()
    found = geodesic(lambda z: z, bent)
    assert (bent == before).all()
    assert found.converged and len(found.energy) < 8
    np.testing.assert_allclose(found.path, line, atol=1e-6)
    assert found.energy[-1] == pytest.approx(14)
    at_best = geodesic(lambda z: z, line)
    assert at_best.converged and at_best.energy[-1] == pytest.approx(14)


def test_the_geodesic_in_polar_coordinates_is_the_chord():
    found = geodesic(polar, straight([1, 0], [2, 2.2], 40))
    ends = polar(found.path[[0, -1]])
    np.testing.assert_allclose(polar(found.path), straight(*ends, 40), atol=1e-6)
    assert found.converged and (found.path[[0, -1]] == [[1, 0], [2, 2.2]]).all()


@pytest.mark.parametrize("turn", [0.5, 1.5, 2.6])
def test_the_geodesic_on_a_sphere_is_a_great_circle(turn):
    found = geodesic(sphere, straight([1.0, 0], [1.2, turn], 40))
    walk = sphere(found.path)
    true = np.arccos(walk[0] @ walk[-1])
    chords = 39 * 2 * np.sin(true / 39 / 2)
    assert found.converged and path_length(walk) == pytest.approx(chords, abs=1e-6)
    assert np.sqrt(found.energy[-1]) == pytest.approx(chords, abs=1e-6)
    normal = np.cross(walk[0], walk[-1])
    assert walk @ normal == pytest.approx(np.zeros(40), abs=1e-4)
    assert unevenness(walk) < 1e-4


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chunk", [4_000_000, 2 * 3 * 1024 * 5])  # batches of 5
def test_the_geodesic_of_a_moving_spot_is_straight(dtype, chunk, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", chunk)
    line = straight([-2, -1], [2, 1], 30)
    bent = line + np.sin(np.linspace(0, np.pi, 30))[:, None] * [0.4, -0.8]
    found = geodesic(lambda z: spots(z.astype(dtype)).astype(dtype), bent)
    np.testing.assert_allclose(found.path, line, atol=1e-3)
    assert found.converged and len(found.energy) < 12


@pytest.mark.parametrize(("count", "jumps"), [(8, True), (30, False)])
def test_with_few_points_a_spot_jumps_and_unevenness_tells(count, jumps):
    start = straight([-2, -1], [2, 1], count)
    start[1:-1] += 0.01 * RNG.normal(size=(count - 2, 2))
    walk = spots(geodesic(spots, start).path).reshape(count, -1)
    assert unevenness(walk) > 1 if jumps else unevenness(walk) < 0.01


@pytest.mark.parametrize("decode", [polar, sphere, spots])
def test_the_energy_never_increases_however_wild_the_start(decode):
    start = RNG.uniform(0.5, 2, size=(12, 2))
    found = geodesic(decode, start, iterations=9)
    assert (np.diff(found.energy) < 0).all() and len(found.energy) <= 10
    steps = np.diff(decode(found.path).reshape(12, -1), axis=0)
    assert found.energy[-1] == pytest.approx(11 * (steps**2).sum())
    assert (found.path[[0, -1]] == start[[0, -1]]).all()


def test_without_iterations_a_path_stays():
    start = straight([1, 0], [2, 2.2], 9)
    found = geodesic(polar, start, iterations=0)
    assert (found.path == start).all() and not found.converged
    assert len(found.energy) == 1
    assert not geodesic(polar, start, iterations=1).converged


@pytest.mark.filterwarnings("error")
def test_a_dimension_that_draws_nothing_is_left_as_it_is():
    start = straight([1, 0, 5], [2, 2.2, 7], 20)
    found = geodesic(lambda z: polar(z[:, :2]), start)
    two = geodesic(polar, start[:, :2])
    np.testing.assert_allclose(found.path[:, :2], two.path, atol=1e-4)
    np.testing.assert_allclose(found.path[:, 2], start[:, 2], atol=1e-6)
    nothing = geodesic(lambda z: np.ones((len(z), 4)), start)
    assert nothing.converged and (nothing.path == start).all()
    assert nothing.energy.tolist() == [0]


def test_a_geodesic_does_not_step_where_nothing_can_be_decoded():
    bent = polar(np.stack([np.linspace(1, 1.5, 20), np.linspace(0, 3, 20)], axis=1))

    def fragile(codes):
        return np.where(codes[:, 1:] < 0.2, np.nan, codes) + 0 * codes

    bent[:, 1] += 0.4
    found = geodesic(fragile, bent, iterations=5)
    assert np.isfinite(found.path).all() and (np.diff(found.energy) < 0).all()


def test_two_clouds_are_joined_by_no_path_until_k_is_raised():
    codes = np.concatenate([RNG.normal(size=(30, 2)), RNG.normal(size=(30, 2)) + 50])
    with pytest.raises(ValueError, match="does not join node 3 to 40: raise k"):
        graph_path(neighbour_graph(codes, k=5), 3, 40)
    assert graph_path(neighbour_graph(codes, k=30), 3, 40)[-1] == 40


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: neighbour_graph(CODES, 50), "k must be below the number of codes, 50"),
        (lambda: neighbour_graph(CODES, 0), "k must be"),
        (lambda: neighbour_graph(CODES[[0, 0, 1]], 1), "codes hold a point twice"),
        (lambda: neighbour_graph(NAN, 1), "codes holds NaN"),
        (lambda: neighbour_graph(CODES, 5, EYES[1:]), "metric must be"),
        (lambda: neighbour_graph(CODES, 5, EYES * np.nan), "metric holds NaN"),
        (lambda: neighbour_graph(CODES, 5, -EYES), "negative squares"),
        (lambda: neighbour_graph(CODES, 5, EYES + np.eye(3, k=1)), "be symmetric"),
        (lambda: graph_path(GRAPH.toarray(), 0, 1), "graph must be a square sparse"),
        (lambda: graph_path(GRAPH[1:], 0, 1), "graph must be a square sparse"),
        (lambda: graph_path(-GRAPH, 0, 1), "negative lengths"),
        (lambda: graph_path(GRAPH * np.nan, 0, 1), "graph holds NaN"),
        (lambda: graph_path(GRAPH, 0, 50), "start and end must be below 50"),
        (lambda: graph_path(GRAPH, -1, 5), "start must be"),
        (lambda: graph_path(GRAPH, 0.5, 5), "start must be"),
        (lambda: graph_path(sparse.csr_array((3, 3)), 0, 2), "raise k"),
        (lambda: pullback_metric(sphere, NAN), "codes holds NaN"),
        (lambda: pullback_metric(sphere, LINE[0]), "codes must have 2 axes"),
        (lambda: pullback_metric(sphere, LINE, -1), "step must be above 0"),
        (lambda: pullback_metric(sphere, LINE, 1e-20), "lost in the rounding of codes"),
        (lambda: pullback_metric(lambda z: z[:-1], LINE), "decode must give an image"),
        (lambda: pullback_metric(lambda z: z[:, 0], LINE), "decode must give an image"),
        (lambda: pullback_metric(lambda z: z * np.nan, LINE), "decode holds NaN"),
        (lambda: pullback_metric(lambda z: z[:, :0], LINE), "decode is empty"),
        (lambda: pullback_metric(lambda z: z.astype(np.uint8), LINE), "gives uint8"),
        (
            lambda: pullback_metric(lambda z: np.ones((len(z), len(z))), LINE),
            "images of one size: 20 pixels, before 1",
        ),
        (lambda: geodesic(polar, LINE[:2]), "path must have 3 or more"),
        (lambda: geodesic(polar, NAN), "path holds NaN"),
        (lambda: geodesic(polar, LINE[[0, 1, 0]]), "ends where it starts"),
        (lambda: geodesic(polar, LINE, -1), "iterations must be"),
        (lambda: geodesic(polar, LINE, step=0), "step must be above 0"),
        (lambda: geodesic(polar, LINE + 1, step=1e-20), "lost in the rounding"),
        (lambda: geodesic(lambda z: z / 0.0, LINE + 1), "decode holds NaN or inf"),
        (lambda: geodesic(lambda z: z[1:], LINE), "decode must give an image a code"),
        (lambda: geodesic(lambda z: z > 0, LINE), "gives bool"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
