"""The reflection graph's own face: scores of pairs and of whole sessions, and rewards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mendgraph.app import MendGraph, StateNode
from mendgraph.core.conversation import Turn, exchanges, read_turns
from mendgraph.core.conversation_report import ConversationReport, ScoredTurn, notes_on
from mendgraph.core.speakers import Role, role_of
from mendgraph.core.values import Answer
from mendgraph.errors import InputError
from mendgraph.nodes.request import Inputs
from mendgraph.nodes.state import Ask

if TYPE_CHECKING:
    from langchain_core.tools import StructuredTool


class ReflectionGraph(MendGraph):
    """Scores how well a counsellor's response reflects what the client said.

    A score lies in [0, 1]: 0 no reflection, .5 a simple one, 1 a complex one.  It compares responses to one prompt far
    better than responses to different ones, and it is no measure of a therapy.
    """

    def score_pair(self, prompt: str, response: str) -> float:
        """The score of one response; see `score_batch`."""
        return self.score_batch([prompt], [response])[0]

    def score_batch(
        self, prompts: Sequence[str], responses: Sequence[str], *, otherwise: float | None = None
    ) -> list[float]:
        """Scores in order, whatever the graph's confidence in them.

        Args:
            otherwise: the score of rows that cannot be read, an empty response for instance; None raises.

        Raises:
            InputError: not as many prompts as responses; or a row has no score, and `otherwise` is None.
        """
        if len(prompts) != len(responses):
            raise InputError(
                f"{len(prompts)} prompts but {len(responses)} responses", hint="give one of each"
            )
        answers = self.run(list(zip(prompts, responses, strict=True)), ask="never")
        return [_score(row, answer, otherwise) for row, answer in enumerate(answers)]

    def score_absolute(
        self, prompts: str | Sequence[str], responses: Sequence[str], *, otherwise: float | None = None
    ) -> list[float]:
        """Rewards in [0, 1]: the scores of `responses`, without gradient.

        Args:
            prompts: one per response, or one for all of them.
            otherwise: see `score_batch`.
        """
        asked = [prompts] * len(responses) if isinstance(prompts, str) else prompts
        return self.score_batch(asked, responses, otherwise=otherwise)

    def score_relative(
        self,
        prompts: str | Sequence[str],
        new: Sequence[str],
        old: Sequence[str],
        *,
        otherwise: float | None = None,
    ) -> list[float]:
        """Rewards in [-1, 1]: by how much each new response scores above an old one, without gradient.

        All rows go through the graph together.

        Raises:
            InputError: not as many old responses as new ones; and as `score_batch`.
        """
        if len(new) != len(old):
            raise InputError(f"{len(new)} new responses but {len(old)} old ones", hint="give one of each")
        asked = [prompts] * len(new) if isinstance(prompts, str) else prompts
        found = self.score_batch([*asked, *asked], [*new, *old], otherwise=otherwise)
        return [after - before for after, before in zip(found[: len(new)], found[len(new) :], strict=True)]

    def score_conversation(
        self, turns: Iterable[object], *, roles: Mapping[str, Role] | None = None, **options: Any
    ) -> ConversationReport:
        """Scores every counsellor's turn that answers a client.

        Turns of one speaker in a row are joined: several of the counsellor's are scored once and share the score.

        Args:
            turns: mappings with ``speaker`` and ``text``, such pairs, or `Turn` values.
            roles: speaker -> ``client`` or ``counsellor``, for names that do not say it themselves.
            options: as for `run`.

        Raises:
            DataError: nobody's role is known, or only one side speaks.
        """
        read = read_turns(turns, roles)
        found = exchanges(read, roles)
        pairs: list[object] = [(exchange.prompt, exchange.response) for exchange in found]
        answers = self.run(pairs, **{"ask": "return", **options})
        scored = {
            number: (exchange, answer)
            for exchange, answer in zip(found, answers, strict=True)
            for number in exchange.counsellor
        }
        lines = []
        for number, turn in enumerate(read):
            line = _line(number, turn, roles)
            if number in scored:
                exchange, answer = scored[number]
                numbers = tuple(n + 1 for n in exchange.counsellor)
                line = replace(
                    line, answer=answer, shared=numbers if len(numbers) > 1 else (), note=notes_on(answer)
                )
            elif line.role == "counsellor" and not line.note:
                line = replace(line, note="not scored: no client's turn before it")
            lines.append(line)
        return ConversationReport(tuple(lines))

    def as_node(self, input: str = "pair", output: str | None = None, *, ask: Ask | None = None) -> StateNode:
        """As `MendGraph.as_node`; ``state[input]`` is a mapping with ``prompt`` and ``response``, or a list of them."""
        return super().as_node(input, output, ask=ask)

    def as_tool(self) -> StructuredTool:
        """A LangChain tool that takes a prompt and a response and returns the answer as a dict."""
        from langchain_core.tools import StructuredTool

        def score(prompt: str, response: str) -> dict[str, Any]:
            return self.run(_pair(prompt, response), ask="return")[0].to_dict()

        async def ascore(prompt: str, response: str) -> dict[str, Any]:
            return (await self.arun(_pair(prompt, response), ask="return"))[0].to_dict()

        return StructuredTool.from_function(
            func=score,
            coroutine=ascore,
            name=f"mend_{self.name}",
            description=(
                "Scores how well a counsellor's response reflects what the client said. `value` holds a score "
                "from 0 to 1 and a level (none, simple, complex); trust the level only when the status is 'accepted'."
            ),
        )


def _pair(prompt: str, response: str) -> Inputs:
    return {"prompt": prompt, "response": response}


def _score(row: int, answer: Answer, otherwise: float | None) -> float:
    if answer.value is not None:
        return float(answer.value["score"])
    if otherwise is not None:
        return otherwise
    why = answer.error.message if answer.error else "no tier answered"
    raise InputError(f"row {row} has no score: {why}", hint="otherwise=0.0 gives such rows that score")


def _line(number: int, turn: Turn, roles: Mapping[str, Role] | None) -> ScoredTurn:
    return ScoredTurn(number + 1, turn.speaker, role_of(turn.speaker, roles), turn.text, note=turn.note)
