"""The page in a headless Chromium, from file:// and with networking off."""

import re

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: the page was not opened")


def column(page, name, table="Leaderboard"):
    """The texts of a leaderboard's column, from the top."""
    heads = page.locator(f"[aria-label^='{table}'] thead th").all()
    number = next(k for k, head in enumerate(heads) if (head.get_attribute("data-column") or "") == name)
    rows = page.locator(f"[aria-label^='{table}'] tbody tr:not(.detail)").all()
    return [row.locator("> *").nth(number).inner_text() for row in rows]


def head(page, name, table="Leaderboard"):
    return page.locator(f"[aria-label^='{table}'] th[data-column='{name}']")


def test_it_loads_without_complaints_and_asks_for_nothing(opened):
    page = opened()
    assert page.title() == "a title · saddlebench"
    assert page.asked == [page.url]
    for index in range(page.locator("#which option").count()):  # also the pictures and the floors of the other games
        page.locator("#which").select_option(str(index))
    assert [url for url in page.asked if not url.startswith("data:image/webp;base64,")] == [page.url]
    assert page.complaints == []


def test_a_policy_forbids_what_is_not_the_page_s_own(opened):
    page = opened()
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); }"
    )
    assert page.evaluate("window.ran") is None
    page.evaluate("() => fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert any("Content Security Policy" in text for text in page.complaints)


def test_hostile_names_are_text(opened, hostile):
    page = opened()
    page.locator("#which").select_option("1")
    page.locator("button.small").first.click()
    assert page.locator("[aria-label^='Leaderboard'] tbody th").first.text_content() == hostile
    assert page.locator("#which option").nth(1).text_content().startswith(hostile)
    assert hostile in page.locator("#failures tbody").text_content()
    assert page.title() == "a title · saddlebench"
    assert page.locator("img[src='x']").count() == 0
    assert page.complaints == []


def test_heads_sort_both_ways_and_say_so(opened):
    page = opened()
    first = column(page, "optimizer")
    assert first[0] == "extragradient(step_size=0.2)"  # all four converged, and soonest
    radius = head(page, "runtime").locator("button")
    radius.click()
    assert head(page, "runtime").get_attribute("aria-sort") == "ascending"
    rising = column(page, "runtime")
    assert rising[-1] == "∞"  # nothing converged
    radius.click()
    assert head(page, "runtime").get_attribute("aria-sort") == "descending"
    falling = column(page, "runtime")
    assert falling == rising[::-1]
    assert len(set(rising)) == 3
    head(page, "success").locator("button").click()
    assert head(page, "runtime").get_attribute("aria-sort") == "none"
    assert [text.split()[0] for text in column(page, "success")] == ["4/4", "3/4", "0/4"]


def test_filters_leave_what_was_asked_for(opened):
    page = opened()
    assert len(column(page, "optimizer")) == 3
    page.get_by_placeholder("optimizer, parameter").fill("step_size=0.2 CONVERGED")
    assert column(page, "optimizer") == ["extragradient(step_size=0.2)"]
    assert "1 of 3 rows" in page.locator("#game [role=status]").inner_text()
    page.get_by_placeholder("optimizer, parameter").fill("")
    page.locator("#game label", has_text="Status").locator("select").select_option("diverged")
    assert column(page, "optimizer") == ["adam"]
    page.locator("#game label", has_text="Status").locator("select").select_option("")
    page.locator("#game label", has_text="Track").locator("select").select_option("tuned")
    assert column(page, "track") == ["tuned"]
    page.get_by_placeholder("optimizer, game").fill("no hessian")
    assert column(page, "optimizer", "Failures") == ["newton"]


def test_a_pointer_over_a_curve_shows_values(opened):
    page = opened()
    chart = page.locator(".chart svg")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    tip = page.locator("#tip")
    assert tip.is_hidden()
    seen = set()
    for k in range(40):
        page.mouse.move(box["x"] + box["width"] * (0.1 + 0.02 * k), box["y"] + box["height"] * (0.05 + 0.02 * k))
        if tip.is_visible():
            seen.add(tip.inner_text())
    values = [
        re.search(r"distance ([\d.e−]+)\nmiddle half ([\d.e−]+) to ([\d.e−]+)\ncost (\d+), step (\d+)", text) for text in seen
    ]
    assert values
    for found in values:
        assert found is not None
        median, low, high, cost, step = (float(text.replace("−", "-")) for text in found.groups())
        rate = next(r for r in (0.3, 0.5, 1.5) if median == pytest.approx(2.5 * r**step, rel=0.01))  # the median of 1, 2, 3, 4
        assert (low, high, cost) == (pytest.approx(1.75 * rate**step, rel=0.01), pytest.approx(3.25 * rate**step, rel=0.01), step)
    page.mouse.move(5, 5)
    assert tip.is_hidden()


def test_arrow_keys_walk_along_curves_and_eigenvalues(opened):
    page = opened()
    page.locator(".chart svg").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text() != first
    page.keyboard.press("ArrowDown")
    assert page.locator("#tip").inner_text().split("\n")[0] != first.split("\n")[0]  # another line
    assert page.locator("#said").inner_text().startswith(page.locator("#tip").inner_text().split("\n")[0])
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    plane = page.locator(".plane svg").first
    plane.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # a scroll hides what is shown, and its event comes late
    plane.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text().split("\n") == ["0.9 + 0.1 i", "modulus 0.905539", "mass of the players 0.5, 0.5"]


def test_boxes_choose_what_is_drawn(opened):
    page = opened()
    assert page.locator(".legend li").all_inner_texts()[0].startswith("extragradient(step_size=0.2)")
    assert page.locator(".chart path.line").count() == 3
    page.get_by_role("checkbox", name="draw adam", exact=True).uncheck()
    assert page.locator(".chart path.line").count() == 2
    assert page.locator(".plane").count() == 2
    page.locator("#curves label", has_text="Over").locator("select").select_option("step")
    assert "over steps" in page.locator(".chart svg").get_attribute("aria-label")


def test_everything_is_reached_by_keyboard_with_a_visible_focus(opened):
    page = opened()
    reached, outlines = [], []
    for _ in range(80):
        page.keyboard.press("Tab")
        what = page.evaluate(
            "() => { const e = document.activeElement, label = e.getAttribute('aria-label');"
            " return [e.tagName, e.id || label || e.textContent.slice(0, 40),"
            " e === document.body ? 'body' : getComputedStyle(e).outlineStyle]; }"
        )
        if what[0] == "BODY":
            break
        reached.append(what[1])
        outlines.append(what[2])
    text = " | ".join(reached)
    wanted = [
        "Skip to",
        "theme",
        "which",
        "optimizer",
        "success",
        "draw extragradient",
        "reproduce extragradient",
        "distance",
        "eigenvalues",
    ]
    assert [part for part in wanted if part not in text] == []
    assert reached.index("theme") < reached.index("which")
    assert set(outlines) <= {"solid", "auto"}


def test_a_row_gives_its_command_by_keyboard(opened):
    page = opened()
    button = page.get_by_role("button", name="reproduce extragradient(step_size=0.2)")
    button.focus()
    page.keyboard.press("Enter")
    command = page.locator(".detail code").inner_text()
    assert command == (
        "saddlebench run --game bilinear --optimizer extragradient --set optimizer.step_size=0.2 --seeds 4 --steps 100"
        " --dtype float64 --device cpu"
    )
    assert button.get_attribute("aria-expanded") == "true"
    assert "hyperparameters: tuned" in page.locator(".detail").inner_text()
    page.locator(".detail button").click()
    page.wait_for_function("document.querySelector('.detail button').textContent != 'copy'")
    page.locator("#which").focus()
    assert page.evaluate("document.querySelector('.detail button').textContent") == "copied"
    button.click()
    assert page.locator(".detail").count() == 0


def test_light_and_dark_follow_the_system_and_the_button(opened):
    def paper(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = opened(color_scheme="light"), opened(color_scheme="dark")
    white, black = paper(light), paper(dark)
    assert (white, black) == ("rgb(255, 255, 255)", "rgb(20, 23, 26)")
    button = light.locator("#theme")
    button.click()
    assert (button.inner_text(), paper(light)) == ("theme: light", white)
    button.click()
    assert (button.inner_text(), paper(light)) == ("theme: dark", black)
    light.reload()
    assert paper(light) == black  # kept


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened, scheme):
    """WCAG's contrast ratio of at least 4.5 for every text."""
    page = opened(color_scheme=scheme)
    worst = page.evaluate("""() => {
      const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
      const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
      const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
      let worst = [99, ''];
      for (const node of document.querySelectorAll('p, th, td, span, button, a, dt, dd, h1, h2, h3, .grid text')) {
        if (!node.textContent.trim() || node.closest('.hidden')) continue;
        let ground = node;
        while (ground && (numbers(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
        const style = getComputedStyle(node);
        const below = getComputedStyle(ground ?? document.body).backgroundColor;
        const text = node instanceof SVGElement ? style.fill : style.color;
        const pair = [light(numbers(text)), light(numbers(below))].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (ratio < worst[0]) worst = [ratio, node.className + ' ' + node.textContent.slice(0, 40)];
      }
      return worst;
    }""")
    assert worst[0] >= 4.5, worst


def test_a_phone_scrolls_down_only(opened):
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for index in range(page.locator("#which option").count()):
        page.locator("#which").select_option(str(index))
        page.locator("button.small").first.click()  # with a command open
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    board = page.locator("[aria-label^='Leaderboard']")
    assert board.evaluate("(node) => node.scrollWidth > node.clientWidth")  # wide tables scroll inside


def test_floors_counts_and_samples_stand_beside_image_measures(opened):
    page = opened()
    page.locator("#which").select_option("2")
    table = page.locator("table.judging tbody tr")
    assert table.locator("> *").all_inner_texts() == ["fd lenet", "0.25", "90", "5\u202f000", "1\u202f000"]
    assert "abc123" in page.locator("#game").inner_text()
    assert column(page, "fd_lenet") == ["4.5"]
    pictures = page.locator("#samples img")
    pictures.first.scroll_into_view_if_needed()
    assert pictures.count() == 4
    assert pictures.first.evaluate("(node) => node.decode().then(() => node.naturalWidth)") == 360


def test_each_game_stands_in_the_gallery_with_its_own_pictures(opened, hostile):
    page = opened()
    games = page.locator(".gallery > div")
    assert games.count() == 1
    assert games.locator("figure").count() == 1  # codes, and none of the three grids
    assert games.locator("figcaption").inner_text().splitlines() == ["codes, step 20, seed 1", "extragradient"]
    assert games.locator("p").text_content() == f"a column a class {hostile}"
    games.locator("button").click()
    assert page.locator("#which").input_value() == "2"
    assert page.locator("#samples figcaption").all_inner_texts()[1].splitlines() == ["samples, seed 0", "extragradient"]
    assert page.title() == "a title · saddlebench"
