"""HTML, PDF and DOCX: headings, lists and tables survive, what is hidden does not, and a bomb costs its own file alone."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from conftest import FakeEmbedder
from document_support import docx, paragraph, pdf, pdf_bomb, table

from ingest.articles import read_article
from ingest.errors import ArticleError
from ingest.pipeline import ingest
from ingest.sandbox import Sandbox
from ingest.settings import IngestSettings
from ingest.types import Article

LIMIT = 5_000_000

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


def read(name: str, data: bytes, folder: Path) -> Article:
    path = folder / name
    path.write_bytes(data)
    return read_article("x", path, LIMIT)


def test_of_a_web_page_the_main_content_is_read(tmp_path: Path) -> None:
    article = read("x.html", HTML.encode(), tmp_path)
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


def test_of_a_pdf_headings_lists_and_tables_are_found(tmp_path: Path) -> None:
    article = read("x.pdf", pdf([PDF_PAGE], "Of bread"), tmp_path)
    assert article.title == "Of bread"
    assert article.text == (
        "# Bread and cake\n\nA baker kneads dough before dawn, and the bakery waits. It is calm there.\n\n## Tools\n\n"
        "- a stone oven\n\n- a proofing basket\n\n| Aspect | Baker | Chef |\n|---|---|---|\n| Pay | 21 coins | 34 coins |\n\n"
        "These are the closing words.\n"
    )


def test_what_repeats_on_every_page_of_a_pdf_is_dropped(tmp_path: Path) -> None:
    pages = [[(72, 760, 9, "The Daily Loaf"), (72, 600, 11, f"Text number {n} of many."), (72, 30, 9, f"Page {n}")] for n in range(4)]
    text = read("x.pdf", pdf(pages), tmp_path).text
    assert "Daily" not in text
    assert "Page" not in text
    assert all(f"Text number {n} of many." in text for n in range(4))


def test_of_a_docx_what_word_shows_is_read(tmp_path: Path) -> None:
    core = '<c:coreProperties xmlns:c="x" xmlns:d="y"><d:title>Of bread</d:title><d:creator>Jane Doe</d:creator></c:coreProperties>'
    article = read("x.docx", docx(DOCX_BODY, docProps_core__xml=core), tmp_path)
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
def test_a_hostile_document_is_named_with_its_reason(name: str, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ArticleError) as error:
        read(name, data, tmp_path)
    assert str(error.value).startswith(("it ", "reading it "))


def test_a_docx_reads_no_other_file(tmp_path: Path) -> None:
    try:
        text = read("x.docx", docx(XXE % ("", "")), tmp_path).text
    except ArticleError:
        return
    assert text.strip() in {"Seen .", "Seen."}


@pytest.mark.parametrize("data", [b"<div>" * 100_000 + b"text", b"<p>word</p>" * 100_000, b"<!--" * 200_000, b"<a href=" * 100_000])
def test_odd_html_is_read_or_named(data: bytes, tmp_path: Path) -> None:
    with suppress(ArticleError):
        assert read("x.html", data, tmp_path).text


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
