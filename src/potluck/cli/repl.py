"""The talk of ``potluck chat``. Loaded only for it: prompt_toolkit is slow to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from potluck.cli import lazy
from potluck.cli.attach import Question, with_files
from potluck.cli.failure import CliError, shown
from potluck.cli.output import harmless, note, one_line, table, table_width
from potluck.cli.slash import SLASHES, Do, Nothing, Say, Slash, Unknown, help_text, meaning
from potluck.cli.talk import LAST, Talk, as_markdown, show
from potluck.core.names import same_model
from potluck.surfaces.v1.chat_shapes import ChatDone, ChatMeta
from potluck.surfaces.v1.conversation_shapes import ConversationInfo
from potluck.surfaces.v1.fleet_shapes import ModelList

PROMPT: Final = "> "
HISTORY_FILE: Final = "chat_history"


def run(talk: Talk, history: Path | None) -> None:
    """Talk until the user leaves. ``history`` is the directory for the file of lines typed; None keeps none."""
    print(_greeting(talk))
    session: PromptSession[str] = PromptSession(
        history=_history(history), completer=_Completer(), complete_while_typing=False, key_bindings=_keys()
    )
    repl = Repl(talk)
    while True:
        try:
            line = session.prompt(PROMPT, prompt_continuation="  ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if not repl.take(line):
            return


@dataclass(slots=True)
class Repl:
    """What happens to the lines typed."""

    talk: Talk
    asked: Question | None = None

    def take(self, line: str) -> bool:
        """Do what a line says; whether the talk goes on. Errors and Ctrl-C end the line, not the talk."""
        try:
            return self._do(line)
        except CliError as error:
            note(shown(error))
        except KeyboardInterrupt:
            note("(stopped)")
        return True

    def _do(self, line: str) -> bool:
        match meaning(line):
            case Nothing():
                pass
            case Say(text):
                self._ask(with_files(text))
            case Unknown(name, near):
                also = f" Did you mean {' or '.join(f'/{word}' for word in near)}?" if near else " Try /help."
                note(f"There is no command /{name}.{also}")
            case Do(Slash.EXIT):
                return False
            case Do(slash, argument):
                _ACTIONS[slash](self, argument)
        return True

    def _ask(self, question: Question) -> None:
        self.asked = question
        with self.talk.ask(question) as events:
            meta, done = show(events, lazy.markdown().printer())
        typer.secho(_footer(meta, done), dim=True)

    def model(self, name: str) -> None:
        """``/model``: set the model, or tell it."""
        if name:
            self.talk.model = name
            known = [model.id for model in self._models().models]
            if not any(same_model(name, other) for other in known):
                note(f"No engine lists '{name}' now. Known: {', '.join(known) or 'none'}.")
        print(f"Model: {harmless(self.talk.model) or 'chosen by Potluck'}")

    def models(self, _: str) -> None:
        """``/models``"""
        listed = self._models().models
        rows = [(model.id, "yes" if model.ready else "no", ", ".join(sorted(model.capabilities))) for model in listed]
        print(table(("MODEL", "READY", "CAN"), rows, table_width()) if rows else "There is no model yet.")

    def new(self, _: str) -> None:
        """``/new``"""
        self.talk.begin_anew()
        print("New conversation.")

    def system(self, text: str) -> None:
        """``/system``"""
        self.talk.system = text or self.talk.system
        print(f"System: {harmless(self.talk.system) or 'none'}")

    def save(self, name: str) -> None:
        """``/save``"""
        if not name or not self.talk.conversation:
            raise CliError("There is nothing to save." if name else "Name a file: /save talk.md")
        document = as_markdown(self.talk.thread(self.talk.conversation))
        path = Path(name).expanduser()
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(document)
        except FileExistsError as exc:
            raise CliError(f"'{path}' exists already.", hint="Name another file.") from exc
        except OSError as exc:
            raise CliError(f"'{path}' cannot be written: {exc.strerror}.") from exc
        print(f"Saved to {path}.")

    def history(self, words: str) -> None:
        """``/history``"""
        found = self.talk.containing(words) if words else self.talk.recent()
        rows = [(talk.id, talk.updated_at[:16].replace("T", " "), talk.title) for talk in found]
        print(table(("ID", "UPDATED (UTC)", "TITLE"), rows, table_width()) if rows else "There is none.")

    def open(self, conversation: str) -> None:
        """``/open``"""
        print(_resumed(self.talk.go_on(conversation or LAST)))

    def retry(self, _: str) -> None:
        """``/retry``"""
        if self.asked is None:
            raise CliError("Nothing was asked yet.")
        self._ask(self.asked)

    def help(self, _: str) -> None:
        """``/help``"""
        print(help_text())

    def _models(self) -> ModelList:
        return self.talk.client.get("/api/v1/models", ModelList)


_ACTIONS: Final[Mapping[Slash, Callable[[Repl, str], None]]] = {
    Slash.MODEL: Repl.model,
    Slash.MODELS: Repl.models,
    Slash.NEW: Repl.new,
    Slash.SYSTEM: Repl.system,
    Slash.SAVE: Repl.save,
    Slash.HISTORY: Repl.history,
    Slash.OPEN: Repl.open,
    Slash.RETRY: Repl.retry,
    Slash.HELP: Repl.help,
}
"""What the commands do; ``/exit`` is the loop's own."""


class _Completer(Completer):
    """Tab completes commands at the beginning of a line, and files after ``@``."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        before = document.text_before_cursor
        if before.startswith("/") and " " not in before:
            yield from (Completion(f"/{slash}", -len(before)) for slash in SLASHES if f"/{slash}".startswith(before))
        word = before.split()[-1] if before and not before[-1].isspace() else ""
        if word.startswith("@"):
            yield from (Completion(f"@{path}", -len(word)) for path in paths_beginning(word[1:]))


def paths_beginning(start: str) -> list[str]:
    """Paths that go on from what is typed, directories with a slash; hidden ones only if a dot is typed."""
    folder, _, name = start.rpartition("/")
    base = Path(f"{folder}/" if folder or start.startswith("/") else ".").expanduser()
    try:
        entries = sorted(base.iterdir())
    except OSError:
        return []
    shown_folder = f"{folder}/" if "/" in start else ""
    return [
        f"{shown_folder}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(name) and (name or not entry.name.startswith("."))
    ]


def _keys() -> KeyBindings:
    keys = KeyBindings()

    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    keys.add("escape", "enter")(new_line)
    return keys


def _history(folder: Path | None) -> History:
    """Lines typed are kept where the data is, for its owner only; without such a place, for this talk only."""
    if folder is None or not folder.is_dir():
        return InMemoryHistory()
    file = folder / HISTORY_FILE
    try:
        file.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


def _greeting(talk: Talk) -> str:
    model = f" with {harmless(talk.model)}" if talk.model else ""
    return f"Potluck at {talk.client.service.url}{model}. /help shows the commands, Ctrl-D leaves."


def _footer(meta: ChatMeta | None, done: ChatDone | None) -> str:
    """Who answered and how much."""
    if meta is None:
        return ""
    parts = [f"{meta.model} on {meta.node}"]
    if done is not None and done.usage is not None:
        parts.append(f"{done.usage.completion_tokens} tokens")
    return one_line(" · ".join(parts))


def _resumed(talk: ConversationInfo) -> str:
    return one_line(f"{talk.title or talk.id} ({talk.message_count} messages)")
