"""What every widget keeps in Chromium: by itself on a page, and as a live view.

One page with a widget twice is open for most of its tests, and one as on a phone.
"""

import base64
import re

import numpy as np
import pytest
from widget_table import WIDGETS, example

from .conftest import DESKTOP, PHONE, new_context
from .looking import (
    contrasts,
    drag,
    emulate,
    look,
    narrow,
    open_live,
    pixels,
    press,
    resize,
    rest,
    set_theme,
    spot,
    wait_for_another_look,
    wait_until_it_fits,
    wait_until_ready,
)

WIDTHS = [700, 390, 320]
NAME = """n => n.getAttribute('aria-label') || n.labels?.[0]?.textContent
  || n.matches("button") && n.textContent"""
GESTURE = "node => getComputedStyle(node).touchAction"


@pytest.fixture(scope="module", params=WIDGETS, ids=str)
def widget(request):
    return request.param


@pytest.fixture(scope="module")
def twice(widget, widget_page):
    """Return a page with a widget twice, the same for all tests that look at it."""
    explorer = example(widget.name)
    with widget_page(explorer, explorer) as watched:
        yield watched


@pytest.fixture
def roots(widget, twice):
    """Return both widgets of the page; at the end, what was changed is put back."""
    yield twice.page.locator(f".{widget.kind}").all()
    emulate(twice.page)
    resize(twice.page, DESKTOP)
    set_theme(twice.page, "light")
    assert not twice.troubles


@pytest.fixture
def root(roots):
    return roots[0]


@pytest.fixture(scope="module")
def phone(widget, widget_page):
    """Return a page as on the phone of someone who wants less motion."""
    options = {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    options["reduced_motion"] = "reduce"
    with widget_page(example(widget.name), **options) as watched:
        yield watched


@pytest.fixture
def on_phone(widget, phone):
    yield phone.page.locator(f".{widget.kind}")
    resize(phone.page, PHONE)
    assert not phone.troubles


@pytest.fixture(scope="module")
def still_page(widget_page):
    """Return a page of all widgets without JavaScript."""
    explorers = [example(widget.name) for widget in WIDGETS]
    with widget_page(*explorers, java_script_enabled=False) as watched:
        yield watched.page


def move_by_key(widget, root):
    """Press the widget's key on its control, and wait for what that changes."""
    seen = root.locator(widget.seen)
    before = look(seen)
    root.locator(widget.control).first.press(widget.key)
    wait_for_another_look(seen, before)
    wait_until_ready(root, widget.ready)
    rest(root.page)


@pytest.fixture(scope="module")
def crowd(widget_page):
    """Return a page of all widgets, and by name which ones the key of one changed."""
    with widget_page(*(example(widget.name) for widget in WIDGETS)) as watched:
        roots = {one.name: watched.page.locator(f".{one.kind}") for one in WIDGETS}
        seen = {one.name: roots[one.name].locator(one.seen) for one in WIDGETS}
        looks, changed = {name: look(nodes) for name, nodes in seen.items()}, {}
        for widget in WIDGETS:
            move_by_key(widget, roots[widget.name])
            now = {name: look(nodes) for name, nodes in seen.items()}
            changed[widget.name] = {name for name in now if now[name] != looks[name]}
            looks = now
        yield watched, changed


def move_by_mouse(widget, root):
    """Drag with the mouse, and wait for what that changes."""
    seen, pointer = root.locator(widget.seen), root.locator(widget.pointer).first
    # Away from the edges, where JupyterLab has bars of its own.
    pointer.evaluate("node => node.scrollIntoView({ block: 'center' })")
    rest(root.page)
    before = look(seen)
    drag(root.page, spot(pointer, 0.6, 0.4), spot(pointer, 0.15, 0.6))
    wait_for_another_look(seen, before)
    wait_until_ready(root, widget.ready)


# ---- On a page


def test_it_stands_alone_in_a_page_from_the_disk(widget, twice, roots):
    assert len(roots) == 2
    assert twice.asked == [twice.page.url]
    for root in roots:
        assert root.get_attribute("role") == "group"
        assert root.get_attribute("aria-label").strip()


def test_keys_and_mouse_move_it_and_not_its_neighbour(widget, roots):
    first, second = roots
    before = look(second.locator(widget.seen))
    move_by_key(widget, first)
    move_by_mouse(widget, first)
    focus = "node => node.contains(document.activeElement)"
    assert first.evaluate(focus)  # so that keys go on from there
    assert look(second.locator(widget.seen)) == before


def test_all_that_can_be_reached_has_a_name(root):
    controls = root.locator("input, select, button, [tabindex]").all()
    assert controls
    for node in controls:
        assert node.evaluate(NAME), node.evaluate("node => node.outerHTML")
    for node in root.locator("[role=img], [role=group]").all():
        assert node.get_attribute("aria-label"), node.evaluate("n => n.outerHTML")


def test_focus_by_keyboard_is_seen(widget, root):
    control = root.locator(widget.control).first
    control.evaluate("node => node.blur()")
    before = control.screenshot()
    control.focus()
    press(root.page, "Shift+Tab", "Tab")
    assert control.evaluate("node => node === document.activeElement")
    outline = control.evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid" or control.screenshot() != before  # a thumb has its own


def test_a_notebook_keeps_its_shortcuts_to_itself(root):
    """JupyterLab has shortcuts of single letters, which a control must not start."""
    for node in root.locator("input, select, [tabindex]").all():
        quiet = "node => node.closest('[data-lm-suppress-shortcuts=true]') !== null"
        assert node.evaluate(quiet)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_either_theme_can_be_read(widget, root, theme):
    set_theme(root.page, theme)
    text, lines = contrasts(root, widget.lines)
    assert len(text) > 10 and min(text) >= 4.5
    assert not widget.lines or (len(lines) > 1 and min(lines) >= 2.65)


def test_it_can_be_read_in_forced_colours(widget, root):
    emulate(root.page, forced_colors="active")
    text, lines = contrasts(root, widget.lines)
    assert len(text) > 10 and min(text) >= 4.5
    assert not lines or min(lines) >= 2.65


def test_it_can_be_read_on_paper(widget, root):
    emulate(root.page, media="print")
    narrow(root.page, 680)  # A4 with margins
    text, _ = contrasts(root)
    assert len(text) > 10 and min(text) >= 4.5
    for node in root.locator(widget.seen).all():
        assert node.is_visible()


def test_it_follows_a_window_that_is_made_narrow(root):
    for width in WIDTHS:
        narrow(root.page, width)


# ---- On a phone


def test_nothing_is_wider_than_a_phone(widget, on_phone):
    wait_until_it_fits(on_phone.page, 390)
    narrow(on_phone.page, 300, most=320)


def test_a_finger_moves_it_and_scrolls_elsewhere(widget, on_phone):
    assert on_phone.evaluate(GESTURE) == "auto"
    for selector, action in widget.gestures.items():
        assert on_phone.locator(selector).first.evaluate(GESTURE) == action
    seen = on_phone.locator(widget.seen)
    target = on_phone.locator(widget.finger or widget.pointer).first
    before, box = look(seen), target.bounding_box()
    target.tap(position={"x": 0.7 * box["width"], "y": 0.4 * box["height"]})
    wait_for_another_look(seen, before)


def test_nothing_moves_by_itself_where_less_motion_is_wanted(widget, on_phone):
    move_by_key(widget, on_phone)
    assert on_phone.page.evaluate("document.getAnimations().length") == 0


# ---- Without JavaScript, and all together


def test_without_javascript_there_is_a_picture_with_words(widget, still_page):
    picture = still_page.locator(f".{widget.kind}").get_by_role("img")
    assert picture.get_attribute("alt") == example(widget.name).alt
    assert picture.bounding_box()["width"] > 300


def test_all_share_a_page(crowd):
    watched, changed = crowd
    for name, others in changed.items():
        assert others == {name}
    assert not watched.troubles


def test_a_screen_reader_is_told_what_a_key_did(widget, crowd):
    watched, _ = crowd
    heard = watched.page.locator(f".{widget.kind} [aria-live=polite]")
    words = heard.get_by_text(re.compile(widget.heard))
    words.wait_for(state="attached")


# ---- As a live view


def test_the_live_view_and_the_kernel_follow_each_other(widget, empty_page):
    """The module as anywidget runs it, with a pretended model behind it."""
    explorer, page, asked = widget.make(), empty_page.page, []
    before = {name: getattr(explorer, name) for name in explorer.view}

    def kernel(message):
        asked.append(message["wish"])
        if len(asked) == 2:
            return "ValueError: pretended."
        images = explorer.images(message["wish"])
        return [base64.b64encode(image.tobytes()).decode() for image in images]

    root = open_live(page, explorer, kernel if widget.decoded else None)
    seen = root.locator(widget.seen)
    look_before = look(seen)
    if widget.trait:
        values = [widget.trait, widget.kernel]
        page.evaluate("([name, value]) => model.set(name, value)", values)
    else:
        root.locator(widget.control).press(widget.key)
    if widget.decoded:  # the second wish goes wrong, and is said
        alert = root.get_by_role("alert")
        alert.get_by_text("ValueError: pretended.").wait_for()
    else:
        wait_for_another_look(seen, look_before)
    move_by_key(widget, root)
    if widget.trait:
        saved = before | {widget.trait: widget.saved}
        assert page.evaluate("window.saved") == saved
        setattr(explorer, widget.trait, widget.saved)  # what a view sends is valid
    if widget.decoded:
        assert alert.inner_text() == ""
        shown = [pixels(canvas) for canvas in root.locator(widget.decoded).all()]
        for image, given in zip(shown, explorer.images(asked[-1]), strict=True):
            assert np.array_equal(image, np.broadcast_to(given, image.shape))
    assert page.evaluate("window.close_widget()") == 0
    assert not empty_page.troubles


@pytest.fixture(scope="module")
def notebook(browser, jupyterlab):
    """Return a notebook in JupyterLab, where each widget has three cells, and errors.

    The first makes it, the second says what the kernel has, the third sets that.
    """
    cells = []
    for widget in WIDGETS:
        make = f"made = BY_NAME[{widget.name!r}].make()\nmade"
        cells.append(f"from widget_table import BY_NAME\n{make}")
        place = f"made.{widget.trait}"
        cells.append(f"print('kernel has', {place})" if widget.trait else "")
        cells.append(f"{place} = {widget.kernel!r}" if widget.trait else "")
    with new_context(browser, viewport={"width": 1280, "height": 1600}) as context:
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(jupyterlab(cells))
        page.locator(".jp-CodeCell .cm-content").first.click()
        idle = "text=Kernel status: Idle"
        page.wait_for_selector(idle, state="attached")
        yield page, errors


def run_cell(page, k):
    """Run a notebook's k-th cell; return it once it has run."""
    cell = page.locator(".jp-CodeCell").nth(k)
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        r"([node, before]) => /\d/.test(node.textContent) && node.innerText !== before",
        arg=[prompt.element_handle(), before],
    )
    return cell


def test_the_live_view_and_the_kernel_follow_each_other_in_jupyterlab(widget, notebook):
    page, errors = notebook
    make, ask, set_it = (3 * WIDGETS.index(widget) + k for k in range(3))
    root = run_cell(page, make).locator(f".{widget.kind}")
    root.locator(widget.seen).first.wait_for()
    wait_until_ready(root, widget.ready)
    rest(page)
    move_by_key(widget, root)
    move_by_mouse(widget, root)
    if widget.trait:
        # A view holds back what it saves until the kernel has answered what it sent
        # before: after two answers to a later question nothing is on its way.
        run_cell(page, ask)
        run_cell(page, ask)
        seen = root.locator(widget.seen)
        before = look(seen)
        run_cell(page, set_it)
        wait_for_another_look(seen, before)
        wait_until_ready(root, widget.ready)
        rest(page)
        move_by_key(widget, root)
        cell = run_cell(page, ask)
        cell.get_by_text(f"kernel has {widget.saved}").wait_for()
    assert not errors
