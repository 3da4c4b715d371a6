"""A chat template that shows tools, for models whose own does not."""

from __future__ import annotations

from potluck.backends.local.gguf import Gguf

# ChatML with tools as NousResearch's Hermes models and Qwen write them; llama.cpp finds the calls by their tags.
_TOOLS = """\
{%- if messages[0]['role'] == 'system' -%}
{%- set system = messages[0]['content'] -%}{%- set turns = messages[1:] -%}
{%- else -%}
{%- set system = 'You are a helpful assistant.' -%}{%- set turns = messages -%}
{%- endif -%}
{{- '<|im_start|>system\\n' + system -}}
{%- if tools %}
{{- '\\n\\nYou may call functions. Their signatures:\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\n</tools>\\nTo call one, write its name and arguments as JSON between tags:\\n<tool_call>\\n' }}
{{- '{"name": <function-name>, "arguments": <arguments-object>}\\n</tool_call>' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- for message in turns %}
{%- if message.role == 'assistant' %}
{{- '<|im_start|>assistant\\n' + (message.content or '') }}
{%- for call in (message.tool_calls or []) %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments if call.function.arguments is string else (call.function.arguments | tojson) }}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

_HAS_TOOLS = """\
{%- set shown = namespace(tools=false) -%}
{%- if tools -%}{%- set shown.tools = true -%}{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'tool' or message.tool_calls -%}{%- set shown.tools = true -%}{%- endif -%}
{%- endfor -%}
"""


def template_for(facts: Gguf) -> str:
    """The template to serve a model with; empty for its own, by which chats without tools are written anyway."""
    if facts.embeds_only or not facts.plain_chatml:
        return ""
    return f"{_HAS_TOOLS}{{%- if shown.tools -%}}{_TOOLS}{{%- else -%}}{facts.template}{{%- endif -%}}"
