"""Generated claim sets: a question, documents that agree or disagree about it, and the answer by a stated rule."""

from mendgraph.training.conflict.claims.files import claims_path, read_claims, write_claims
from mendgraph.training.conflict.claims.sets import ClaimSet, claim_sets

__all__ = ["ClaimSet", "claim_sets", "claims_path", "read_claims", "write_claims"]
