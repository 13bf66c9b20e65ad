"""LangChain's tutorial pipeline as a Streamlit chat, to be measured beside ours: streamlit run tutorial_page.py -- ARTICLES MODEL

Runs in the peers' environment: passages of 1,000 characters that overlap by 200, a Chroma store, and the four nearest shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter


@st.cache_resource
def store() -> Chroma:
    articles = [Document(path.read_text(encoding="utf-8")) for path in sorted(Path(sys.argv[1]).rglob("*.*")) if path.is_file()]
    passages = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(articles)
    found = Chroma(embedding_function=HuggingFaceEmbeddings(model_name=sys.argv[2]))
    for first in range(0, len(passages), 5000):
        found.add_documents(passages[first : first + 5000])
    return found


store()
if question := st.chat_input("Ask"):
    for passage in store().similarity_search(question, k=4):
        st.markdown(passage.page_content)
    st.caption(f"Found for: {question}")
