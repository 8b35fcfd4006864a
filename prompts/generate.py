"""More texts from a language model, written to a YAML file that says where they come from.

The file lies beside the hand-written ones as further ``texts`` and is checked like them::

    ask = ask_endpoint("a-model", base_url="http://127.0.0.1:8080/v1")
    write_texts(Path("more.yaml"), load_actions(), ask, model="a-model")
"""

import datetime
import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from myosem.errors import GenerationError, MissingExtraError, UsageError
from myosem.prompts.load import HERE, read_file, texts_of
from myosem.prompts.schema import VIEWS, Action, PromptFile, Provenance, View, normal

Ask = Callable[[str], str]
Texts = dict[str, dict[View, tuple[str, ...]]]

MAXIMUM_WORDS = 30
REQUEST = """{instruction}
The action: {names}.
Pose, each joint from -1 to 1: {pose}. Muscles at work: {muscles}. In the hand: {object}.
It must not be mistaken for: {neighbours}.
The view: {view}. These texts exist already:
{texts}
Write {count} new ones for this view, one a line, and nothing else."""


def ask_endpoint(
    model: str, *, base_url: str | None = None, key: str | None = None, timeout_s: float = 60.0
) -> Ask:
    """A function that sends a prompt to an OpenAI-compatible endpoint and returns the answer.

    Args:
        model: as the endpoint names it.
        base_url: e.g. ``http://127.0.0.1:8080/v1``; the variable OPENAI_BASE_URL where None.
        key: sent as bearer token; the variable OPENAI_API_KEY where None, no token where that is unset.
        timeout_s: how long to wait for one answer, in seconds.

    Raises:
        UsageError: no usable base URL. The function itself raises GenerationError.
    """
    base = base_url or os.environ.get("OPENAI_BASE_URL")
    if not base or not base.startswith(("http://", "https://")):
        raise UsageError(
            "no endpoint to ask",
            got=base,
            expected="a base URL that begins with http:// or https://",
            hint="pass base_url or set OPENAI_BASE_URL",
        )
    url = base.rstrip("/") + "/chat/completions"
    token = key or os.environ.get("OPENAI_API_KEY")
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(prompt: str) -> str:
        body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        return _answer(_fetch(request, url, timeout_s), url)

    return ask


def ask_local(model: str, *, maximum_tokens: int = 400) -> Ask:
    """A function that answers a prompt with a chat model run here by ``transformers``.

    Args:
        model: folder or name of a model with a chat template.
        maximum_tokens: length of one answer.

    Raises:
        MissingExtraError: transformers cannot be imported.
        GenerationError: the model cannot be loaded. The function itself raises it too.
    """
    try:
        from transformers import pipeline
    except (ImportError, RuntimeError) as error:
        raise MissingExtraError(
            "a local language model needs transformers", got=error, hint='pip install "myosem[train]"'
        ) from error
    try:
        generator: Any = pipeline("text-generation", model=model)
    except (OSError, ValueError) as error:
        raise GenerationError(f"{model}: cannot be loaded", got=error) from error

    def ask(prompt: str) -> str:
        try:
            answers = generator([{"role": "user", "content": prompt}], max_new_tokens=maximum_tokens)
        except ValueError as error:
            raise GenerationError(f"{model}: gives no answer", got=error, expected="a chat model") from error
        return str(answers[0]["generated_text"][-1]["content"])

    return ask


def write_texts(
    path: Path,
    actions: Mapping[str, Action],
    ask: Ask,
    *,
    model: str,
    count: int = 4,
    only: Collection[str] | None = None,
) -> PromptFile:
    """Ask for more texts, one request an action and view, and write them to a YAML file.

    The file is renewed after each action; called again, it goes on behind the last one.

    Args:
        path: file to write, or to go on with.
        actions: all actions; what they say already is not accepted again.
        ask: from ``ask_endpoint`` or ``ask_local``.
        model: its name, for the provenance.
        count: how many texts to ask for in each view.
        only: ids to ask for, all where None.

    Raises:
        GenerationError: no answer, or none with a new text in it for a whole action.
        UsageError: an unknown id in ``only``, no such folder, or a file of another model or instruction.
    """
    instruction = (HERE / "instruction.txt").read_text(encoding="utf-8")
    sha256 = hashlib.sha256((instruction + REQUEST).encode()).hexdigest()
    today = datetime.datetime.now(datetime.UTC).date()
    texts = _texts_so_far(path, model, sha256)
    wanted = list(actions) if only is None else list(only)
    if unknown := [id_ for id_ in wanted if id_ not in actions]:
        raise UsageError("no such action", got=unknown, exists=sorted(actions))
    known = {normal(text) for action in actions.values() for _, text in texts_of(action)}
    known |= {normal(text) for views in texts.values() for more in views.values() for text in more}
    file = PromptFile(provenance=Provenance(model=model, prompt_sha256=sha256, date=today), texts=texts)
    for id_ in [id_ for id_ in wanted if id_ not in texts]:
        requests = {view: _request(instruction, actions[id_], view, actions, count) for view in VIEWS}
        views = {view: new_texts(ask(request), known)[:count] for view, request in requests.items()}
        texts[id_] = {view: more for view, more in views.items() if more}
        if not texts[id_]:
            raise GenerationError(f"{model}: no new text for {id_}", expected=f"{count} lines a view")
        file = PromptFile(provenance=file.provenance, texts=texts)
        _write(path, file)
    return file


def new_texts(answer: str, known: set[str]) -> tuple[str, ...]:
    """The lines of an answer that are texts and not known yet; they are added to ``known``.

    Bullets, numbers and quotation marks go; headings and lines over ``MAXIMUM_WORDS`` are left out.
    """
    texts = []
    for line in answer.splitlines():
        text = re.sub(r"^\s*([-*•]|\d+[.)])\s+", "", line).strip(" \t\"'“”`")
        usable = 2 <= len(text) <= 300 and len(text.split()) <= MAXIMUM_WORDS and not text.endswith(":")
        if usable and normal(text) not in known:
            known.add(normal(text))
            texts.append(text)
    return tuple(texts)


def _fetch(request: urllib.request.Request, url: str, timeout_s: float) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        said = error.read(300).decode(errors="replace").strip()
        raise GenerationError(f"{url}: refused the request", got=f"status {error.code} {said}") from error
    except TimeoutError as error:
        raise GenerationError(
            f"{url}: no answer within {timeout_s:g} s", hint="a longer timeout_s"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise GenerationError(f"{url}: cannot be reached", got=getattr(error, "reason", error)) from error


def _answer(content: bytes, url: str) -> str:
    try:
        return str(json.loads(content)["choices"][0]["message"]["content"])
    except (ValueError, LookupError, TypeError) as error:
        raise GenerationError(
            f"{url}: the answer is not understood",
            got=content[:100].decode(errors="replace"),
            expected="JSON with choices[0].message.content",
        ) from error


def _request(instruction: str, action: Action, view: View, actions: Mapping[str, Action], count: int) -> str:
    return REQUEST.format(
        instruction=instruction,
        names=", ".join(action.names),
        pose=action.pose.model_dump(exclude_defaults=True) or "relaxed",
        muscles=", ".join(action.muscles) or "none",
        object=action.object or "nothing",
        neighbours=", ".join(actions[id_].names[0] for id_ in action.neighbours) or "any other action",
        view=view,
        texts="\n".join(action.views[view]),
        count=count,
    )


def _texts_so_far(path: Path, model: str, sha256: str) -> Texts:
    if not path.parent.is_dir():
        raise UsageError(f"{path}: its folder does not exist", hint=f"mkdir -p {path.parent}")
    if not path.exists():
        return {}
    file = read_file(path)
    if (file.provenance.model, file.provenance.prompt_sha256) != (model, sha256):
        raise UsageError(
            f"{path}: was written by another model or instruction",
            got=file.provenance.model,
            expected=model,
            hint="another file name",
        )
    return dict(file.texts)


def _write(path: Path, file: PromptFile) -> None:
    """Replace the file in one step, so that it is whole at any time."""
    content = {
        "provenance": file.provenance.model_dump(),
        "texts": {
            id_: {view: list(texts) for view, texts in views.items()} for id_, views in file.texts.items()
        },
    }
    partial = path.with_suffix(".partial")
    partial.write_text(
        yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
    )
    partial.replace(path)
