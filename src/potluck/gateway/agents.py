"""Asks every node agent now and then. `Machines` keeps what they say."""

from __future__ import annotations

import asyncio

import structlog

from potluck.core.errors import PotluckError
from potluck.core.model import NodeId
from potluck.gateway.machines import Agent, Machines
from potluck.gateway.tasks import Tasks

log = structlog.get_logger(__name__)


class AgentWatch:
    """One task for each node with an agent; it ends when the agent is taken out of the configuration."""

    def __init__(self, machines: Machines, tasks: Tasks, interval_s: float) -> None:
        self._machines = machines
        self._tasks = tasks
        self._interval_s = interval_s
        self._asked: dict[NodeId, Agent] = {}

    def begin(self) -> None:
        """Ask every agent that is not asked yet, the first time at once."""
        for node, agent in self._machines.agents().items():
            if self._asked.get(node) is not agent:
                self._asked[node] = agent
                self._tasks.spawn(self._watch(node, agent), f"agent of {node}")

    async def look(self, node: NodeId, agent: Agent) -> None:
        """Ask once. An agent that does not answer is noted; one line tells when it falls silent and when it is back."""
        try:
            reading = await agent.reading()
        except PotluckError as error:
            if self._machines.missed(node, agent, error.message):
                log.warning("agent is silent", node=node, why=error.message, detail=error.detail)
        else:
            if self._machines.heard(node, agent, reading):
                log.info("agent answers", node=node, host=reading.identity.host)

    async def _watch(self, node: NodeId, agent: Agent) -> None:
        while self._machines.agents().get(node) is agent:
            await self.look(node, agent)
            await asyncio.sleep(self._interval_s)
        if self._asked.get(node) is agent:
            del self._asked[node]
