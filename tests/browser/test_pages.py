"""Every built page: at rest with itself, on a desktop, on a phone and in the dark."""

import pytest

from .conftest import DESKTOP, HTML, PHONE
from .looking import resize, set_theme

ARTICLES = [f"book/{path.name}" for path in sorted(HTML.glob("book/*.html"))]
# Sphinx's own pages besides; index.html does nothing but lead to book/index.html.
PAGES = [*ARTICLES, "genindex.html", "search.html"]

# Relative luminance and contrast ratio: WCAG 2.1, section 1.4.3. The ground is that
# of the nearest ancestor with an opaque one.
CONTRASTS = """
() => {
  const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = rgba(color).slice(0, 3).map((v) => v / 255).map(
      (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if ((rgba(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const node of document.querySelectorAll(
    "article :is(h1, h2, h3, p, li, td, th, pre, .caption-text)")) {
    if (!node.innerText?.trim() || !node.checkVisibility()) continue;
    const pair = [getComputedStyle(node).color, ground(node)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(1)}: ${node.innerText.slice(0, 60)}`);
  }
  return found;
}
"""

# One that is broken has no width, and is refused by `decode`.
WIDTH_OF_PICTURE = """image => image.decode().catch(() => null)
  .then(() => image.naturalWidth)"""

WIDER_THAN_PAGE = """
() => {
  const width = document.documentElement.clientWidth;
  const excess = document.documentElement.scrollWidth - width;
  if (excess <= 0) return [];
  const wide = [...document.querySelectorAll("article *")]
    .filter((node) => node.getBoundingClientRect().right > width + 1)
    .map((node) => node.outerHTML.slice(0, 80));
  return [`${excess} pixels too wide`, ...wide];
}
"""


@pytest.fixture(scope="module", params=ARTICLES)
def article(request, open_page):
    """Return one open article, the same for all tests that look at it."""
    with open_page(request.param) as watched:
        yield watched.page


def test_the_book_is_built(html):
    assert ARTICLES, f"no pages below {html / 'book'}"


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_quiet_and_asks_no_other_host(open_page, path, scheme):
    with open_page(path, scheme) as watched:
        assert watched.troubles == []


def test_pictures_show_and_have_an_alternative_text(article):
    for image in article.locator("article img").all():
        source = image.get_attribute("src")
        alt = image.get_attribute("alt") or ""
        assert alt.strip(), f"no alternative text: {source}"
        # What Sphinx writes where a notebook gives none: the file's path.
        assert not alt.endswith((".png", ".svg", ".jpg")), f"a path for a text: {alt}"
        assert image.evaluate(WIDTH_OF_PICTURE) > 0, source


def test_equations_are_set(article):
    sources = article.locator("article .math").count()
    assert article.locator("article mjx-container").count() >= sources
    assert article.locator("article mjx-merror").count() == 0


def test_icons_show(article):
    """They come from a web font: see book/_static/scripts/fontawesome.js."""
    loaded = """() => document.fonts.load('900 16px "Font Awesome 6 Free"')
                      .then((fonts) => fonts.length)"""
    assert article.evaluate(loaded) > 0


def test_phone_needs_no_sideways_scroll(article):
    resize(article, PHONE)
    try:
        assert article.evaluate(WIDER_THAN_PAGE) == []
    finally:
        resize(article, DESKTOP)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_keeps_text_readable_and_pictures_true(article, theme):
    set_theme(article, theme)
    assert article.evaluate(CONTRASTS) == []
    filters = article.locator("article img").evaluate_all(
        "images => images.map((image) => getComputedStyle(image).filter)"
    )
    assert set(filters) <= {"none"}, "pictures are dimmed"
