"""``potluck chat``: one question from the command line or a pipe, or a talk."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from potluck.cli import lazy
from potluck.cli.attach import Question, with_files, with_input
from potluck.cli.client import Client
from potluck.cli.failure import USAGE, CliError
from potluck.cli.output import harmless, print_json, read_piped
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.printing import PlainPrinter, Printer
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.cli.talk import Talk, show

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def chat(
    question: Annotated[
        list[str] | None, typer.Argument(help="What to ask; @path puts a file in. Without it, a talk begins.")
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="The model or route to ask.", metavar="NAME")] = "",
    system: Annotated[str, typer.Option("--system", "-s", help="Instructions for the model.", metavar="TEXT")] = "",
    conversation: Annotated[
        str, typer.Option("--conversation", "-c", help="Go on with this conversation.", metavar="ID|last")
    ] = "",
    temporary: Annotated[
        bool, typer.Option("--temporary", help="Keep nothing: it is in no list, and gone within an hour.")
    ] = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is whole.")] = False,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Ask a question, or talk.

    What is piped in is added to the question: git diff | potluck chat "explain this"
    """
    typed = " ".join(question or ())
    if temporary and conversation:
        raise CliError("--temporary begins a conversation, and -c goes on with one.", code=USAGE)
    talk = Talk(Client(find(url, key, data)), model=model, system=system, temporary=temporary)
    interactive = sys.stdin.isatty()
    if not typed.strip() and interactive:
        if as_json or no_stream:
            raise CliError("There is no question.", hint="--json and --no-stream need one.", code=USAGE)
        if conversation:
            talk.go_on(conversation)
        lazy.repl().run(talk, data.expanduser())
        return
    asked = _asked(typed, "" if interactive else read_piped())
    if conversation:
        talk.go_on(conversation)
    if as_json or no_stream:
        _print_whole(talk, asked, as_json=as_json)
        return
    with talk.ask(asked) as events:
        show(events, _printer())


def _asked(typed: str, piped: str) -> Question:
    """The question with its files, and then what was piped in, where an ``@`` means nothing."""
    question = with_files(typed)
    text = with_input(question.text, piped)
    if not text:
        raise CliError("There is no question.", hint='Try: potluck chat "What is a monad?"', code=USAGE)
    return Question(text, question.images)


def _print_whole(talk: Talk, asked: Question, *, as_json: bool) -> None:
    reply = talk.ask_whole(asked)
    if as_json:
        print_json(reply)
    else:
        print(harmless(reply.text) if sys.stdout.isatty() else reply.text)


def _printer() -> Printer:
    return lazy.markdown().printer() if sys.stdout.isatty() else PlainPrinter(sys.stdout)
