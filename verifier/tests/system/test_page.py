"""Proves that the page of all scenarios says what the histories say: what is wrong now, and since when."""

import base64
import hashlib
import html.parser

import pytest

import nights
from running import BAD_BACKUP, CANNOT_VERIFY, PASSED

VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """The tree of a page, as (element, attributes, children or texts)."""

    def __init__(self, text):
        super().__init__()
        self.root = ("page", {}, [])
        self.stack = [self.root]
        self.feed(text)
        assert len(self.stack) == 1, "every element has an end"

    def handle_starttag(self, tag, attrs):
        node = (tag, dict(attrs), [])
        self.stack[-1][2].append(node)
        if tag not in VOID:
            self.stack.append(node)

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        self.stack[-1][2].append(data)

    def all(self, tag, node=None):
        for child in (node or self.root)[2]:
            if not isinstance(child, str):
                if child[0] == tag:
                    yield child
                yield from self.all(tag, child)

    @staticmethod
    def text(node):
        return "".join(child if isinstance(child, str) else Page.text(child) for child in node[2])


def page_of(place, files, *options, code=PASSED):
    run = place.run("report", "--reports", place.reports, *options, *files)
    assert run.code == code, str(run)
    return Page((place.reports / "index.html").read_text(encoding="utf-8"))


@pytest.fixture
def told(place):
    files = nights.write(place.directory / "nights", {name: story[0]() for name, story in nights.STORIES.items()})
    page = page_of(place, files)
    return place, files, page, {page.text(next(page.all("h2", section))).partition(" ")[0]: section for section in page.all("section")}


def section_of(page, name):
    return next(section for section in page.all("section") if page.text(next(page.all("h2", section))).endswith(name))


@pytest.mark.parametrize("name", nights.STORIES)
def test_a_story(place, name):
    happened, code, words = nights.STORIES[name]
    lines = happened()
    files = nights.write(place.directory / "nights", {name: lines})
    gate = place.run("gate", "--reports", place.reports, *files)
    assert gate.code == code, str(gate)
    page = page_of(place, files)
    section = section_of(page, name)
    assert words in page.text(section)
    row = next(page.all("tbody"))
    assert words in page.text(row)
    signs = [page.text(item) for item in page.all("li", next(page.all("ol", section)))]
    assert len(signs) == (30 if len(lines) > 1 else 1)
    for ago, sign in enumerate(reversed(signs)):
        run = [line for line in lines if line["began"][:10] == nights.utc(nights.time.time() - ago * nights.DAY)[:10]]
        assert sign == ("·" if not run else "✓✗?"[run[-1]["exit_code"]]), f"{ago} nights ago"
    assert ("Red since" in page.text(section)) == (code == BAD_BACKUP)


def test_what_is_wrong_stands_first(told):
    _, _, page, sections = told
    states = [page.text(next(page.all("span", section))) for section in page.all("section")]
    assert states == sorted(states, key=["red", "slow", "old", "old backup", "never", "proven"].index) and len(states) == len(nights.STORIES)
    assert "3 of 10 are proven." in page.text(next(page.all("header"))) and sections
    links = [link[1]["href"] for link in page.all("a")]
    assert links == [f"#{section[1]['id']}" for section in page.all("section")]
    corrupt = section_of(page, "corrupt")
    assert "in 3 runs." in page.text(corrupt)
    titles = [page.text(caption) for caption in page.all("figcaption", section_of(page, "slow"))]
    assert titles[0] == "Time of the restore: 40 min" and "Rows of public.reports: 20,000" in titles


def test_the_page_asks_nobody_for_anything(told):
    place, _, page, _ = told
    assert not list(page.all("script")) and not list(page.all("img")) and not list(page.all("link"))
    style = page.text(next(page.all("style")))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(meta[1]["content"] for meta in page.all("meta") if meta[1].get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    text = (place.reports / "index.html").read_text(encoding="utf-8")
    assert "style=" not in text and "<script" not in text and "http://" not in text and "onerror=alert(1)&gt;" in text


def test_the_checks_of_the_last_run(place, good):
    path = place.scenario("tables:\n  users: [row_count >= 1000000]\n", history=None)
    place.put(good.gz)
    assert place.verify(path).code == BAD_BACKUP
    page = page_of(place, [path])
    rows = [[page.text(cell) for cell in page.all("td", row)] for row in page.all("tr", section_of(page, "bugspark"))]
    assert ["users: row_count >= 1000000", "failed"] in [row[:2] for row in rows]
    assert ["backup is intact", "passed"] in [row[:2] for row in rows]
    opened = [details for details in page.all("details") if "open" in details[1]]
    assert len(opened) == 1 and "Checks of the last run" in page.text(opened[0])
    (place.reports / "bugspark.xml").write_text("no report")
    assert "Checks of the last run" not in page.text(section_of(page_of(place, [path]), "bugspark"))


def test_the_last_rehearsal(place):
    files = nights.write(place.directory / "nights", {"shop": nights.nights(3)})
    report = place.reports / "shop.migration.xml"
    place.reports.mkdir(exist_ok=True)
    report.write_text(nights.rehearsed("shop", nights.BLOCKED))
    section = section_of(page_of(place, files), "shop")
    text = Page.text(section)
    assert "UTC: the migration is not as expected" in text
    drawing = next(node for node in Page("").all("svg", section) if node[1].get("class") == "bars" and "blocked" in node[1]["aria-label"])
    bars = [(float(bar[1]["x"]), float(bar[1]["width"]), bar[1].get("class"), Page.text(bar)) for bar in Page("").all("rect", drawing)]
    assert [bar[2] for bar in bars] == [None, "harder", None] and bars[2][3] == 'lock table "<b>hostile</b>" & more'
    assert abs(bars[0][0] - (8 + 304 * 0.487 / 8.2)) < 0.1 and abs(bars[0][1] - 304 * 7.613 / 8.2) < 0.1 and bars[2][1] == 2
    assert "public.reports: neither read nor written for 7.6 s" in Page.text(drawing) and "8.2 s" in Page.text(drawing)
    rows = [[Page.text(cell) for cell in Page("").all("td", row)] for row in Page("").all("tr", section)]
    assert ["public.<b>hostile</b>", "writing", "3.0 s", "2 ms", 'lock table "<b>hostile</b>" & more'] in rows
    for blocked, words in ((nights.rehearsed("shop", []), "No table that was there was blocked for a millisecond."),
                           (nights.rehearsed("shop", [("t", "writing", "x", "-1", "")], seconds=0), "t: not written for 0 ms"), ("no report", None)):
        report.write_text(blocked)
        text = Page.text(section_of(page_of(place, files), "shop"))
        assert words in text if words else "rehearsal" not in text


def test_objects_and_stages(place):
    page = page_of(place, nights.write(place.directory / "nights", {"shop": nights.nights(4)}))
    titles = [page.text(caption) for caption in page.all("figcaption")]
    assert "object_count: 1,200" in titles and "total_size: 238 MiB" in titles
    assert "How long each stage took when it was last proven" in titles
    stages = next(node for node in page.all("svg") if node[1]["aria-label"] == "How long each stage took")
    assert [page.text(bar) for bar in page.all("rect", stages)] == ["read: 1.2 s", "restore: 12 s", "check: 2.0 s"]


def test_a_changed_schema(place):
    index = {"INDEX": {"count": 24, "sha256": "b" * 64}}
    lines = nights.nights(5, {ago: {"schema": index} for ago in (4, 3)} | {ago: {"schema": {}} for ago in (2,)} | {
        1: {"schema": {"INDEX": {"count": 23, "sha256": "c" * 64}}}, 0: {"schema": {"INDEX": {"count": 23, "sha256": "d" * 64}}}})
    page = page_of(place, nights.write(place.directory / "nights", {"shop": lines}))
    changes = [page.text(item) for item in page.all("li", next(page.all("ul")))]
    assert [change.partition(": ")[2] for change in changes] == ["INDEX: 23, before 24", "INDEX: still 23, not the same"]


def test_what_cannot_be_read(place):
    path = place.scenario(history="none")
    page = page_of(place, [path])
    assert "The history cannot be read: the scenario keeps no history" in page.text(section_of(page, "bugspark"))
    assert "The one is not proven." in page.text(page.root)
    wrong = place.scenario("nonsense: 1\n", file="wrong.yaml", name="wrong")
    page = page_of(place, [path, wrong], code=CANNOT_VERIFY)
    assert "None of the 2 is proven." in page.text(page.root)
    place.reports.chmod(0o755)
    (place.directory / "file").write_text("in the way")
    run = place.run("report", "--reports", place.directory / "file", path)
    assert run.code == CANNOT_VERIFY and "restore-verifier: cannot " in run.err, str(run)


def test_metrics(place):
    files = nights.write(place.directory / "nights", {name: story[0]() for name, story in nights.STORIES.items()})
    path = place.directory / "restore_verifier.prom"
    page_of(place, [*files, place.scenario(history="none")], "--metrics", path)
    text = path.read_text(encoding="utf-8")
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    for name, (_, code, _) in nights.STORIES.items():
        assert float(found[f'restore_verifier_proven{{scenario="{name}"}}']) == (code == PASSED), name
    assert float(found['restore_verifier_restore_duration_seconds{scenario="slow"}']) == 2400
    assert float(found['restore_verifier_rows{scenario="healthy"}']) == sum(nights.ROWS.values())
    assert float(found['restore_verifier_last_run_exit_code{scenario="unseeing"}']) == CANNOT_VERIFY
    ago = nights.time.time() - float(found['restore_verifier_last_proven_timestamp_seconds{scenario="healthy"}'])
    assert 0 <= ago < 6 * 3600
    assert found['restore_verifier_history_readable{scenario="bugspark"}'] == "0"
    assert 'restore_verifier_proven{scenario="bugspark"}' not in found and 'last_proven_timestamp_seconds{scenario="fresh"}' not in text
    assert text.endswith("# EOF\n")
    run = place.run("report", "--reports", place.reports, "--metrics", place.directory / "nowhere/x.prom", *files)
    assert run.code == CANNOT_VERIFY and "nowhere/x.prom" in run.err, str(run)


def test_a_scenario_that_is_wrong_is_red(place):
    """One that is left out would leave a page on which all is good."""
    wrong = place.directory / 'a"b.yaml'
    metrics = place.directory / "m.prom"
    wrong.write_text("no scenario")
    page = page_of(place, [wrong], code=CANNOT_VERIFY)
    assert "The one is not proven." in page.text(page.root)
    page = page_of(place, [*nights.write(place.directory / "nights", {"shop": nights.nights(3)}), wrong], "--metrics", metrics, code=CANNOT_VERIFY)
    assert "1 of 2 is proven." in page.text(page.root)
    section = section_of(page, 'a"b')
    assert page.text(next(page.all("span", section))) == "error" and "The scenario is wrong: " in page.text(section)
    found = metrics.read_text()
    for name in ("proven", "history_readable"):
        assert f'restore_verifier_{name}{{scenario="a\\"b"}} 0\n' in found and f'restore_verifier_{name}{{scenario="shop"}} 1\n' in found


@pytest.mark.slow
def test_a_large_page(place):
    lines = nights.nights(400)
    files = nights.write(place.directory / "nights", {f"s{number:03d}": lines for number in range(200)})
    page_of(place, files)
    assert (place.reports / "index.html").stat().st_size < 5_000_000
