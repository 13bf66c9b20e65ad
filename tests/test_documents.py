"""HTML, PDF and DOCX: headings, lists and tables survive, what is hidden does not, and a bomb costs its own file alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import FakeEmbedder
from document_support import WORD, Line, docx, paragraph, pdf, pdf_bomb, table

from ingest.articles import article_of
from ingest.errors import ArticleError
from ingest.pipeline import ingest
from ingest.sandbox import Sandbox
from ingest.settings import IngestSettings
from ingest.split import blocks
from ingest.types import Article

READER = Sandbox()  # one for all of them, for each takes half a second to start

HTML = """<!doctype html><html><head><title>Bread and cake</title><meta name="author" content="Jane Doe">
<meta property="article:published_time" content="2025-03-04"><link rel="canonical" href="https://example.org/bread"></head>
<body><nav><a href="/">Home</a> <a href="/shop">Shop now</a></nav><div class="cookie-banner">We use cookies. Accept all.</div>
<main><article><h1>Bread and cake</h1><p>A baker kneads dough before dawn, and the oﬃce waits for it, as it has for many years.</p>
<h2>Tools of a baker</h2><p>A baker owns these tools:</p><ul><li>a stone oven</li><li>a proofing basket</li></ul>
<!-- unseen comment --><p style="color:red; DISPLAY : none">unseen style</p><p hidden>unseen attribute</p><div aria-hidden="true">unseen aria</div>
<span style="font-size:0px">unseen size</span><template>unseen template</template><noscript>unseen noscript</noscript>un\u200bseen?
<h2>Pay</h2><p>What they earn is set out below for everyone to read.</p>
<table><tr><th>Aspect</th><th>Baker</th></tr><tr><td>Pay</td><td>21 coins</td></tr><tr><td>Mood</td><td>calm</td></tr></table>
<p>These are the closing words of this article, and they are seen.</p><img src="http://evil.example/pixel.png" alt=""></article></main>
<footer>Copyright. Privacy policy.</footer><script>alert(1)</script></body></html>"""

PDF_PAGE = [
    (72, 700, 24, "Bread and cake"),
    (72, 660, 11, "A baker kneads dough before dawn, and the bak-"),
    (72, 646, 11, "ery waits. It is calm there."),
    (72, 610, 16, "Tools"),
    (72, 590, 11, "• a stone oven"),
    (72, 576, 11, "• a proofing basket"),
    (72, 540, 11, "Aspect"),
    (220, 540, 11, "Baker"),
    (340, 540, 11, "Chef"),
    (72, 526, 11, "Pay"),
    (220, 526, 11, "21 coins"),
    (340, 526, 11, "34 coins"),
    (72, 490, 11, "These are the closing words."),
]

DOCX_BODY = (
    paragraph("Bread and cake", "Heading1")
    + paragraph("A baker kneads dough before dawn.")
    + paragraph("Tools", "Heading2")
    + paragraph("a stone oven", "bullet")
    + paragraph("a proofing basket", "bullet")
    + paragraph("unseen words", run="<w:vanish/>")
    + table([["Aspect", "Baker"], ["Pay", "21 coins"]])
    + "<w:p><w:del><w:r><w:delText>unseen deletion</w:delText></w:r></w:del></w:p>"
)


@pytest.fixture(scope="module", autouse=True)
def _reader_ends() -> Iterator[None]:
    yield
    READER.close()


def read(name: str, data: bytes) -> Article:
    return article_of("x", Path(name), data, READER)


def test_of_a_web_page_the_main_content_is_read() -> None:
    article = read("x.html", HTML.encode())
    assert (article.title, article.author, article.published, article.url) == (
        "Bread and cake",
        "Jane Doe",
        "2025-03-04",
        "https://example.org/bread",
    )
    for part in (
        "# Bread and cake\n",
        "## Tools of a baker\n",
        "- a stone oven\n- a proofing basket\n",
        "| Pay | 21 coins |",
        "the office waits",
    ):
        assert part in article.text
    for part in ("unseen", "Shop now", "cookies", "Privacy", "alert", "evil", "\u200b"):
        assert part not in article.text.replace("unseen?", "")


def test_of_a_pdf_headings_lists_and_tables_are_found() -> None:
    article = read("x.pdf", pdf([PDF_PAGE], "Of bread"))
    assert article.title == "Of bread"
    assert article.text == (
        "# Bread and cake\n\nA baker kneads dough before dawn, and the bakery waits. It is calm there.\n\n## Tools\n\n"
        "- a stone oven\n\n- a proofing basket\n\n| Aspect | Baker | Chef |\n|---|---|---|\n| Pay | 21 coins | 34 coins |\n\n"
        "These are the closing words.\n"
    )


def test_what_repeats_on_every_page_of_a_pdf_is_dropped() -> None:
    pages = [[(72, 760, 9, "The Daily Loaf"), (72, 600, 11, f"Text number {n} of many."), (72, 30, 9, f"Page {n}")] for n in range(4)]
    text = read("x.pdf", pdf(pages)).text
    assert "Daily" not in text
    assert "Page" not in text
    assert all(f"Text number {n} of many." in text for n in range(4))


def test_of_a_docx_what_word_shows_is_read() -> None:
    core = '<c:coreProperties xmlns:c="x" xmlns:d="y"><d:title>Of bread</d:title><d:creator>Jane Doe</d:creator></c:coreProperties>'
    article = read("x.docx", docx(DOCX_BODY, docProps_core__xml=core))
    assert (article.title, article.author) == ("Of bread", "Jane Doe")
    for part in (
        "# Bread and cake\n",
        "## Tools\n",
        "- a stone oven\n- a proofing basket\n",
        "| Aspect | Baker |\n| --- | --- |\n| Pay | 21 coins |",
    ):
        assert part in article.text
    assert "unseen" not in article.text


XXE = """<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file:/etc/hostname"> %s]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Seen &e;%s.</w:t></w:r></w:p></w:body></w:document>"""
LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.pdf", pdf_bomb(400)),
        ("cut.pdf", pdf([PDF_PAGE])[:400]),
        ("not.pdf", b"hello"),
        ("pages.pdf", pdf([[(72, 700, 11, "Text.")]] * 501)),
        ("loop.pdf", pdf([PDF_PAGE]).replace(b"/Kids [4 0 R]", b"/Kids [2 0 R]")),
        ("not.docx", b"PK\x03\x04 hello"),
        ("bomb.docx", docx(paragraph("a" * 60_000_000))),
        ("laughs.docx", docx(XXE % (LAUGHS, "&l9;"))),
        ("empty.html", b"<html><body></body></html>"),
        ("binary.html", bytes(range(256)) * 50),
    ],
)
def test_a_hostile_document_is_named_with_its_reason(name: str, data: bytes) -> None:
    with pytest.raises(ArticleError) as error:
        read(name, data)
    assert str(error.value).startswith(("it ", "reading it "))


def test_a_docx_reads_no_other_file() -> None:
    try:
        text = read("x.docx", docx(XXE % ("", ""))).text
    except ArticleError:
        return
    assert text.strip() in {"Seen .", "Seen."}


@pytest.mark.parametrize("data", [b"<div>" * 100_000 + b"text", b"<p>word</p>" * 30_000, b"<!--" * 200_000, b"<a href=" * 100_000])
def test_odd_html_is_read_or_named(data: bytes) -> None:
    with suppress(ArticleError):
        assert read("x.html", data).text


def test_what_takes_too_long_is_ended_and_the_next_is_read() -> None:
    with Sandbox(seconds=0.0) as hurried, pytest.raises(ArticleError, match="takes more than 0 s"):
        hurried.read(".pdf", pdf([PDF_PAGE] * 400))
    with Sandbox() as sandbox:
        with pytest.raises(ArticleError):
            sandbox.read(".pdf", b"hello")
        assert sandbox.read(".pdf", pdf([PDF_PAGE]))[0].startswith("# Bread")


def test_many_documents_are_read_one_after_another() -> None:
    """Whatever comes of one, the next has its own outcome."""
    with Sandbox() as sandbox:
        for number in range(120):
            if number % 3:
                assert f"Number {number}." in sandbox.read(".pdf", pdf([[(72, 700, 11, f"Number {number}.")]]))[0]
            else:
                with pytest.raises(ArticleError, match="damaged"):
                    sandbox.read(".docx", b"bad")


def test_no_key_reaches_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with Sandbox() as sandbox:
        sandbox.read(".pdf", pdf([PDF_PAGE]))
        assert sandbox._child
        environment = Path(f"/proc/{sandbox._child.pid}/environ")
        assert not environment.exists() or b"sk-secret" not in environment.read_bytes()


def test_bad_documents_among_good_ones(settings: IngestSettings, corpus: Path) -> None:
    (corpus / "page.html").write_bytes(HTML.encode())
    (corpus / "print.pdf").write_bytes(pdf([PDF_PAGE]))
    (corpus / "letter.docx").write_bytes(docx(DOCX_BODY))
    (corpus / "bad.pdf").write_bytes(b"hello")
    (corpus / "bad.docx").write_bytes(b"hello")
    report = ingest(settings, FakeEmbedder())
    assert set(report.added) == {"bakers", "flour", "page", "print", "letter"}
    assert dict(report.left_out).keys() == {"bad.pdf", "bad.docx"}
    assert not ingest(settings, FakeEmbedder()).changed


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.docx", docx(paragraph("Write &lt;!-- first.") + paragraph("Then --&gt; at last."))),
        ("x.html", HTML.replace("A baker kneads", "Write &lt;!-- first, then --&gt; at last. A baker kneads").encode()),
    ],
)
def test_what_a_document_shows_of_a_comment_is_text(name: str, data: bytes) -> None:
    text = read(name, data).text
    assert "Write \\<!-- first" in text
    assert "hen --> at last." in text
    assert "unseen comment" not in text


# --- PDF


def pdf_text(pages: Sequence[Sequence[Line]]) -> str:
    return read("x.pdf", pdf(pages)).text


def prose(x: float, words: Sequence[str], width: int = 38) -> list[Line]:
    """A column of wrapped lines."""
    return [(x, 700 - 14 * number, 11, line) for number, line in enumerate(textwrap.wrap(" ".join(words), width))]


def test_lines_that_differ_in_their_numbers_are_kept() -> None:
    said = [(f"Chapter {n} opens with words", f"Page {n} of 4 tells more", f"It costs {n}0 coins.") for n in range(1, 5)]
    text = pdf_text([[(72, 700 - 200 * row, 11, line) for row, line in enumerate(lines)] for lines in said])
    assert all(line in text for lines in said for line in lines)


@pytest.mark.parametrize("mark", ["{} of 9", "- {} -", "The Daily Loaf | {}", "p. {}"])
def test_the_number_of_a_page_is_dropped(mark: str) -> None:
    pages = [[(72, 760, 11, "The Daily Loaf"), (72, 600, 11, f"Text {n}0."), (72, 30, 11, mark.format(n))] for n in range(5, 9)]
    assert pdf_text(pages) == "Text 50.\n\nText 60.\n\nText 70.\n\nText 80.\n"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["A low- and mid-level job."], "A low- and mid-level job."),
        (["A low-", "and mid-level job."], "A low- and mid-level job."),
        (["Of a machine that is learning, a machine-", "learning engineer knows."], "a machine-learning engineer"),
        (["The bak-", "ery is open."], "The bakery is open."),
        (["Ask Anne-", "Marie."], "Ask Anne-Marie."),
    ],
)
def test_only_a_word_that_is_cut_is_joined(lines: list[str], text: str) -> None:
    assert text in pdf_text([[(72, 700 - 14 * row, 11, line) for row, line in enumerate(lines)]])


def test_columns_of_prose_are_read_one_after_another() -> None:
    columns = [[f"{name}{number}" for number in range(80)] for name in ("left", "middle", "right")]
    title = (72, 740, 20, "A title over all of the columns here")
    narrow = [line for x, words in zip((40, 230, 420), columns, strict=True) for line in prose(x, words, 28)]
    text = pdf_text([[title, *narrow]])
    assert text.split("\n\n")[1].split() == [word for words in columns for word in words]


def test_a_table_of_long_cells_stays_one() -> None:
    rows = [
        ("What a baker does", "What a pastry chef does"),
        *((f"Kneads dough number {n} at dawn", f"Decorates cake {n} with sugar") for n in range(4)),
    ]
    page = [line for n, (a, b) in enumerate(rows) for line in ((72, 700 - 14 * n, 11, a), (320, 700 - 14 * n, 11, b))]
    assert "| Kneads dough number 3 at dawn | Decorates cake 3 with sugar |" in pdf_text([page])


def test_numbered_items_are_items_and_what_a_heading_says_is_one_once() -> None:
    page = [(72, 700, 16, "Tools"), (72, 660, 11, "1. Mix"), (72, 646, 11, "2) Bake"), (72, 610, 11, "Tools"), (72, 580, 11, "At last.")]
    assert pdf_text([page]) == "# Tools\n\n1. Mix\n\n2) Bake\n\nTools\n\nAt last.\n"


@pytest.mark.parametrize(
    "hidden",
    [
        "BT 3 Tr /F1 11 Tf 1 0 0 1 72 600 Tm (unseen) Tj ET 0 Tr",
        "q 3 Tr BT /F1 11 Tf 1 0 0 1 72 600 Tm [(un) -20 (seen)] TJ ET Q",
        "BT /F1 0.1 Tf 1 0 0 1 72 600 Tm (unseen) Tj ET",
        "q .01 0 0 .01 72 600 cm BT /F1 11 Tf (unseen) ' ET Q",
        (-300, 600, 11, "unseen"),
        (72, 900, 11, "unseen"),
        (72, -20, 11, "unseen"),
    ],
)
def test_of_a_pdf_what_nobody_sees_is_not_read(hidden: Line) -> None:
    seen: list[Line] = [(72, 700, 11, "Seen before."), (72, 500, 11, "Seen after."), (-20, 480, 11, "Half of it is seen.")]
    text = pdf_text([[seen[0], hidden, *seen[1:]]])
    assert "unseen" not in "".join(text.split())
    assert text.count("een") == len(seen)
    with pytest.raises(ArticleError, match="invisible"):
        pdf_text([[hidden]])


# --- HTML in Markdown


MIXED = """\
# Bread

Seen above:
<p>Seen <b>bold</b> &amp; &lt;div&gt;.</p>

- <p>Seen in an item</p>
  <p>and a second line.</p>

> <table><tr><th>Aspect</th><th>Baker</th></tr>
> <tr><td>Pay | tips</td><td>21 coins</td></tr></table>

<details><summary>Seen summary</summary>

Seen *Markdown*.

</details>
<script>unseen()</script>
<p style="display:none">unseen words</p>

```html
<p>Seen code</p>
```
"""


def test_html_blocks_in_markdown_are_text_like_any_other() -> None:
    article = read("x.md", MIXED.encode())
    quotes = [unit.span.of(article.text) for block in blocks(article) for unit in block.units]
    assert quotes == [
        "Seen above:",
        "Seen **bold** & \\<div>.",
        "Seen in an item",
        "and a second line.",
        "| Pay \\| tips | 21 coins |",
        "Seen summary",
        "Seen *Markdown*.",
        "<p>Seen code</p>",
    ]
    assert "unseen" not in article.text


@pytest.mark.parametrize(
    "text", ["A < b and <i>so</i>.\n", "```\n<p>\n```\n", "<https://example.org/> is a link.\n", "<b>Seen</b> first.\n"]
)
def test_markdown_without_html_blocks_stays_as_it_is(text: str) -> None:
    assert read("x.md", text.encode()).text == text


# --- DOCX and HTML


STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
STYLES = (
    f'<w:styles xmlns:w="{WORD}"><w:style w:type="character" w:styleId="Ghost"><w:rPr><w:vanish/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Child"><w:basedOn w:val="Ghost"/></w:style>'
    '<w:style w:type="character" w:styleId="Ring"><w:basedOn w:val="Ring"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
)


def body_of(inner: str, namespace: str = WORD) -> str:
    return f'<w:document xmlns:w="{namespace}"><w:body>{inner}</w:body></w:document>'


@pytest.mark.parametrize(
    "body",
    [
        paragraph("hidden words", run='<w:rStyle w:val="Ghost"/>'),
        paragraph("hidden words", run='<w:rStyle w:val="Child"/>'),
        paragraph("hidden words", style="Heading1"),
        paragraph("hidden words", run='<w:vanish w:val="true"/>'),
        '<?xml version="1.0" encoding="UTF-16"?>' + body_of(paragraph("Seen.") + paragraph("hidden words", run="<w:vanish/>")),
        '<?xml version="1.0"?>' + body_of(paragraph("Seen.") + paragraph("hidden words", run="<w:vanish/>"), STRICT),
    ],
)
def test_of_a_docx_what_word_hides_is_not_read(body: str) -> None:
    encoded = body.encode("utf-16") if "UTF-16" in body else (body if body.startswith("<?xml") else paragraph("Seen.") + body)
    assert read("x.docx", docx(encoded, word_styles__xml=STYLES)).text == "Seen.\n"


@pytest.mark.parametrize("run", ['<w:vanish w:val="0"/>', '<w:rStyle w:val="Ghost"/><w:vanish w:val="false"/>', '<w:rStyle w:val="Ring"/>'])
def test_of_a_docx_what_is_switched_off_hides_nothing(run: str) -> None:
    assert read("x.docx", docx(paragraph("Seen.", run=run), word_styles__xml=STYLES)).text == "Seen.\n"


def test_of_a_docx_a_cell_is_one_cell() -> None:
    inner = table([["one", "two"], ["three", "four"]])
    body = table([["Aspect", "Baker"], ["this | that", "CELL"]]).replace(paragraph("CELL"), paragraph("holds") + inner + "<w:p/>")
    assert "| this \\| that | holds one, two, three, four |" in " ".join(read("x.docx", docx(body)).text.split())


def test_what_a_docx_shows_of_a_tag_is_indexed() -> None:
    article = read("x.docx", docx(paragraph("&lt;div&gt; opens a block.") + paragraph("More.")))
    assert [unit.span.of(article.text) for block in blocks(article) for unit in block.units] == ["\\<div> opens a block.", "More."]


def test_a_page_in_a_form_is_read_and_a_form_in_a_page_is_not() -> None:
    inner = HTML.replace("<body>", "<body><form action='/'>").replace("</body>", "</form></body>")
    assert read("x.html", inner.encode()).text == read("y.html", HTML.encode()).text
    field = HTML.replace("<h2>Pay", "<form><p>Subscribe to our unseen letter</p></form><h2>Pay")
    assert "unseen letter" not in read("x.html", field.encode()).text


@pytest.mark.parametrize(
    "rule",
    [
        ".x{display:none}",
        "p.a, div .x { Visibility : hidden }",
        "main > div p#i{font-size:0}",
        "/* a */ @media print{b{c:d}} .x{display:none}",
    ],
)
def test_what_a_page_hides_by_its_rules_is_not_read(rule: str) -> None:
    page = HTML.replace("<article>", "<div><article>").replace("</article>", "<p id=i class='a x'>unseen rule</p></article></div>")
    assert "unseen rule" not in read("x.html", page.replace("</head>", f"<style>{rule}</style></head>").encode()).text


@pytest.mark.parametrize(
    "rule", ["@media print{.x{display:none}}", ".x{display:none} p.x{display:block}", ".x:hover{display:none}", "body{visibility:hidden}"]
)
def test_what_a_page_shows_in_spite_of_its_rules_is_read(rule: str) -> None:
    page = HTML.replace("<h2>Pay", "<p class=x>Every loaf is sold by noon, as a rule.</p><h2>Pay").replace(
        "</head>", f"<style>{rule}</style></head>"
    )
    assert "Every loaf is sold" in read("x.html", page.encode()).text
