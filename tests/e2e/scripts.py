"""What is recorded of clients that live in environments of their own: short programs, run in a sandbox.

Each reads ``POTLUCK_URL`` and ``POTLUCK_KEY``. By name: the client, then what it does.
"""

from __future__ import annotations

from tests.e2e.processes import OLLAMA_MODEL, OPENAI_MODEL

PYTHON = {
    "langchain-openai-structured": f"""
import os
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

class Dish(BaseModel):
    name: str
    guests: int

model = ChatOpenAI(
    base_url=os.environ["POTLUCK_URL"] + "/v1", api_key=os.environ["POTLUCK_KEY"], model="{OPENAI_MODEL}"
)
assert isinstance(model.with_structured_output(Dish).invoke("Name a dish."), Dish)
""",
    "langchain-anthropic-structured": f"""
import os
from langchain_anthropic import ChatAnthropic
from pydantic import BaseModel

class Dish(BaseModel):
    name: str
    guests: int

model = ChatAnthropic(
    base_url=os.environ["POTLUCK_URL"], api_key=os.environ["POTLUCK_KEY"], model="{OPENAI_MODEL}"
)
assert isinstance(model.with_structured_output(Dish).invoke("Name a dish."), Dish)
""",
    "langchain-ollama-structured": f"""
import os
from langchain_ollama import ChatOllama
from pydantic import BaseModel

class Dish(BaseModel):
    name: str
    guests: int

headers = {{"Authorization": "Bearer " + os.environ["POTLUCK_KEY"]}}
model = ChatOllama(
    base_url=os.environ["POTLUCK_URL"], client_kwargs={{"headers": headers}}, model="{OLLAMA_MODEL}", num_ctx=8192
)
assert isinstance(model.with_structured_output(Dish).invoke("Name a dish."), Dish)
""",
}

# In aider's environment: the SDK as it was before it sent keys as Bearer tokens.
OLDER_PYTHON = {
    "anthropic-python-0": f"""
import os
from anthropic import Anthropic

client = Anthropic(base_url=os.environ["POTLUCK_URL"], api_key=os.environ["POTLUCK_KEY"])
messages = [{{"role": "user", "content": "What is a potluck?"}}]
client.messages.create(
    model="{OLLAMA_MODEL}", max_tokens=50, messages=messages, temperature=0.5, top_p=0.9, top_k=40
)
""",
    "openai-python-2": f"""
import os
from openai import OpenAI

client = OpenAI(base_url=os.environ["POTLUCK_URL"] + "/v1", api_key=os.environ["POTLUCK_KEY"])
messages = [{{"role": "user", "content": "What is a potluck?"}}]
client.chat.completions.create(
    model="{OLLAMA_MODEL}", messages=messages, stop=["END"], frequency_penalty=0.1, logprobs=True, top_logprobs=2
)
""",
}

JAVASCRIPT = {
    "openai-javascript-tools": f"""
import OpenAI from "openai";
const client = new OpenAI({{ baseURL: process.env.POTLUCK_URL + "/v1", apiKey: process.env.POTLUCK_KEY }});
const runner = client.chat.completions.runTools({{
  model: "{OPENAI_MODEL}",
  messages: [{{ role: "user", content: 'call weather {{"city": "Rome"}}' }}],
  stream: true,
  tools: [{{
    type: "function",
    function: {{
      name: "weather",
      parse: JSON.parse,
      function: () => "sun",
      parameters: {{ type: "object", properties: {{ city: {{ type: "string" }} }} }},
    }},
  }}],
}});
if ((await runner.finalContent()) !== "The tools say: sun") process.exit(1);
""",
    "openai-javascript-embeddings": f"""
import OpenAI from "openai";
const client = new OpenAI({{ baseURL: process.env.POTLUCK_URL + "/v1", apiKey: process.env.POTLUCK_KEY }});
const answer = await client.embeddings.create({{ model: "{OLLAMA_MODEL}", input: "a bowl of soup" }});
if (answer.data[0].embedding.length < 8) process.exit(1);
""",
    "openai-javascript-responses": f"""
import OpenAI from "openai";
const client = new OpenAI({{ baseURL: process.env.POTLUCK_URL + "/v1", apiKey: process.env.POTLUCK_KEY }});
const stream = client.responses.stream({{ model: "{OPENAI_MODEL}", input: "say: soup" }});
if ((await stream.finalResponse()).output_text !== "soup") process.exit(1);
""",
    "anthropic-javascript-tools": f"""
import Anthropic from "@anthropic-ai/sdk";
const client = new Anthropic({{ baseURL: process.env.POTLUCK_URL, apiKey: process.env.POTLUCK_KEY }});
const tools = [{{
  name: "weather",
  input_schema: {{ type: "object", properties: {{ city: {{ type: "string" }} }} }},
}}];
const messages = [{{ role: "user", content: 'call weather {{"city": "Rome"}}' }}];
const asked = {{ model: "{OLLAMA_MODEL}", max_tokens: 100, tools, messages }};
const first = await client.messages.stream(asked).finalMessage();
const call = first.content.find((block) => block.type === "tool_use");
messages.push({{ role: "assistant", content: first.content }});
messages.push({{ role: "user", content: [{{ type: "tool_result", tool_use_id: call.id, content: "sun" }}] }});
const second = await client.messages.create(asked);
if (second.content[0].text !== "The tools say: sun") process.exit(1);
""",
    "ollama-javascript-stream": f"""
import {{ Ollama }} from "ollama";
const client = new Ollama({{
  host: process.env.POTLUCK_URL,
  headers: {{ Authorization: "Bearer " + process.env.POTLUCK_KEY }},
}});
const messages = [{{ role: "user", content: "say: soup" }}];
let text = "";
for await (const part of await client.chat({{ model: "{OLLAMA_MODEL}", messages, stream: true }}))
  text += part.message.content;
if (text !== "soup") process.exit(1);
await client.list();
await client.show({{ model: "{OLLAMA_MODEL}" }});
await client.embed({{ model: "{OLLAMA_MODEL}", input: "a bowl of soup" }});
""",
}

SHELL = {
    "llm-schema": 'llm -m potluck --schema "name, age int" "Invent a guest."',
    "llm-tools": 'llm -m potluck -T llm_version "call llm_version {}" --td',
    "llm-ollama-embed": f"llm embed -m {OLLAMA_MODEL} -c soup >embedding.json",
}
