"""The page docs/reference/cli.md, made from the commands themselves: ``python -m potluck.cli.reference`` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from potluck.cli.lazy import COMMANDS, load

_INTRODUCTION = """\
# Commands: `potluck`

Made from the program by `python -m potluck.cli.reference`; a test compares the two.

**Which service.** Every command that talks to one takes `--url URL` (or `POTLUCK_URL`), `--key KEY` (or `POTLUCK_KEY`)
and `--data DIR` (or `POTLUCK_DATA`, `~/.local/share/potluck` by default). Without URL and key the data directory tells
where its own service listens, and holds the owner's key. That key goes to this machine and to that service only.

**Output.** Results go to stdout, everything said beside them to stderr. `--json` prints the same for programs. Colours
and laid-out Markdown appear on a terminal only, and `NO_COLOR` turns the colours off.

**Exit codes.** 0 success, 1 failure (one line on stderr says what, and what to do), 2 wrong usage, 130 stopped with
Ctrl-C. `review` and `drill` use 1 to 3 in their own way; see there.

`potluck --version` prints the version, `potluck --install-completion` completes commands in your shell.
"""

_SERVICE = frozenset({"url", "key", "data"})
"""Options that the introduction explains."""


def reference() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(_section(name) for name in COMMANDS)])


def _section(name: str) -> str:
    command = load(name)
    if not isinstance(command, TyperGroup):
        return f"## potluck {name}\n\n{_body(name, command)}"
    parts = [f"## potluck {name}\n\n{_prose(command)}"]
    for sub_name, sub in command.commands.items():
        assert isinstance(sub, TyperCommand)
        parts.append(f"### potluck {name} {sub_name}\n\n{_body(f'{name} {sub_name}', sub)}")
    return "\n".join(parts)


def _body(path: str, command: TyperCommand) -> str:
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    shown = " ".join(_argument(argument) for argument in arguments)
    usage = f"potluck {path} [OPTIONS] {shown}".strip()
    lines = [f"`{usage}`\n", _prose(command)]
    if rows := list(_rows(command)):
        lines += ["| | | default |", "| --- | --- | --- |", *rows, ""]
    if {param.name for param in command.params} >= _SERVICE:
        lines.append("Takes `--url`, `--key` and `--data`.\n")
    return "\n".join(lines)


def _prose(command: TyperCommand | TyperGroup) -> str:
    return (command.help or "").strip() + "\n"


def _rows(command: TyperCommand) -> Iterator[str]:
    takes_service = {param.name for param in command.params} >= _SERVICE
    for param in command.params:
        if isinstance(param, TyperArgument):
            yield f"| `{_cell(_argument(param))}` | {_cell(param.help)} | |"
        elif isinstance(param, TyperOption) and not (takes_service and param.name in _SERVICE):
            yield f"| {_option(param)} | {_cell(param.help)}{_variable(param)} | {_default(param)} |"


def _argument(argument: TyperArgument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    if argument.nargs == -1:
        name += "..."
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _option(option: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} `{_cell(option.metavar or _choices(option))}`"


def _choices(option: TyperOption) -> str:
    choices = option.type_descriptor.choices
    return "|".join(map(str, choices)) if choices else (option.name or "").upper()


def _variable(option: TyperOption) -> str:
    return f" Or set `{option.envvar}`." if option.envvar else ""


def _default(option: TyperOption) -> str:
    return f"`{option.default}`" if option.default not in (None, "", False) else ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
