"""An agent that reads its user's mood: mendgraph's emotion graph as a node of a LangGraph parent.

Three things a parent graph wants to do with a mendgraph:

1. route on the *status* of an answer, not on its label alone (`MendGraph.status`);
2. let an unsure answer pause the whole agent and go on with the user's reply (an interrupt through the parent);
3. read several texts at once in parallel branches.

Run it:  python examples/agent.py
"""

from __future__ import annotations

from operator import add
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send

import mendgraph
from mendgraph import MendGraph

TONE = {
    "joy": "That is lovely to hear!",
    "sadness": "I am sorry. Do you want to talk about it?",
    "anger": "I understand that this is annoying. Let us put it right.",
    "fear": "Take your time. We go step by step.",
}


class Agent(TypedDict, total=False):
    """`notes` are earlier messages of the same user, read in parallel; `moods` collects what they say."""

    text: str
    emotion: dict[str, Any]
    notes: list[str]
    moods: Annotated[list[str], add]
    reply: str


def build_agent(graph: MendGraph) -> Any:
    """START -> emotion -> by status: reply | handle with care; and one branch per earlier note."""
    read = graph.as_node(input="text", output="emotion", ask="interrupt")
    read_note = graph.as_node(input="text", output="emotion", ask="never")

    def note(state: Agent, config: RunnableConfig) -> dict[str, Any]:
        answer = read_note(state, config)["emotion"]
        return {"moods": [f"{answer['best_guess'] or 'unreadable'}: {state['text']}"]}

    def reply(state: Agent) -> dict[str, Any]:
        return {"reply": TONE.get(state["emotion"]["label"], "I see. Tell me more.")}

    def careful(state: Agent) -> dict[str, Any]:
        return {"reply": "I am not sure how you feel about it. What would help you now?"}

    def fan_out(state: Agent) -> list[Any]:
        return ["emotion", *(Send("note", {"text": text}) for text in state.get("notes", []))]

    agent = StateGraph(Agent)
    agent.add_node("emotion", read)
    agent.add_node("note", note)
    agent.add_node("reply", reply)
    agent.add_node("careful", careful)
    agent.add_conditional_edges(START, fan_out, ["emotion", "note"])
    agent.add_conditional_edges(
        "emotion",
        graph.status("emotion"),
        {"accepted": "reply", "abstained": "careful", "failed": "careful"},
    )
    agent.add_edge("note", END)
    agent.add_edge("reply", END)
    agent.add_edge("careful", END)
    return agent.compile(checkpointer=InMemorySaver())


def main(graph: MendGraph | None = None) -> None:
    graph = graph or mendgraph.load("emotion")
    agent = build_agent(graph)
    talks: dict[str, Agent] = {
        "sure": {"text": "I'm so happy today!"},
        "unsure": {"text": "Well, that happened."},
        "with notes": {
            "text": "I lost my keys again.",
            "notes": ["What a wonderful week!", "Leave me alone."],
        },
    }
    for name, talk in talks.items():
        config: RunnableConfig = {"configurable": {"thread_id": name}}
        print(f"user:  {talk['text']}")
        state = agent.invoke(talk, config)
        if pending := agent.get_state(config).interrupts:
            [row] = pending[0].value["rows"]
            offered = [option["label"] for option in row["options"]] or list(graph.labels)
            print(f"agent: Did you mean {', '.join(offered[:-1])} or {offered[-1]}?")
            print(f"user:  {offered[0]}")
            state = agent.invoke(Command(resume=offered[0]), config)
        print(f"agent: {state['reply']}")
        for mood in state.get("moods", []):
            print(f"       earlier - {mood}")
        print()


if __name__ == "__main__":
    main()
