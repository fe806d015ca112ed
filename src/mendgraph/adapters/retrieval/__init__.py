"""Documents for a question: read from files, duplicates removed, found by BM25 or by a LangChain retriever."""

from mendgraph.adapters.retrieval.bm25 import Bm25Retriever
from mendgraph.adapters.retrieval.duplicates import without_duplicates
from mendgraph.adapters.retrieval.files import read_documents
from mendgraph.adapters.retrieval.foreign_retriever import ForeignRetriever
from mendgraph.adapters.retrieval.retriever import Retriever

__all__ = ["Bm25Retriever", "ForeignRetriever", "Retriever", "read_documents", "without_duplicates"]
