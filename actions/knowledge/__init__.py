"""The knowledge base: articles are ingested, retrieved, composed into answers and checked against them."""

from actions.logs import get_logger

log = get_logger(__name__)


def warm() -> None:
    """Load the encoder, the vector store and the word index, so that the first customer doesn't wait for
    them.

    A failure is logged with what to do and never raised: each question reports it again.
    """
    from actions.knowledge import retrieve, store
    from actions.knowledge.encoder import ModelMissing
    from actions.settings import MissingSetting

    try:
        if not store.version():
            log.warning("knowledge_empty", extra={"reason": "nothing is indexed: run `python -m actions.knowledge`"})
        retrieve.retriever().search("How can I contact Northlight?")
    except (ModelMissing, store.StoreError, MissingSetting) as error:
        log.error("knowledge_unavailable", extra={"reason": str(error)})
