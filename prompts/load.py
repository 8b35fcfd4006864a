"""From the YAML files of a folder to actions, checked together."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml

from myosem.errors import PromptError
from myosem.prompts.schema import VIEWS, Action, PromptFile, View, normal, parse_file

HERE = Path(__file__).parent
# libyaml is ten times faster; a few builds of PyYAML come without it.
YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_actions(folder: Path | None = None) -> dict[str, Action]:
    """All actions of a folder's ``*.yaml`` files by id, read once a process.

    Args:
        folder: where to look; the package's own files where None.

    Raises:
        PromptError: a file does not fit the schema, or the files do not fit each other.
    """
    return dict(_load(folder or HERE))


def load_unrelated(folder: Path | None = None) -> tuple[str, ...]:
    """Texts of a folder's ``*.yaml`` files that describe no action, without repeats.

    Args:
        folder: where to look; the package's own files where None.

    Raises:
        PromptError: as ``load_actions``, or a text belongs to an action too.
    """
    owners = _check_owners(load_actions(folder).values())
    first: dict[str, str] = {}
    for name, file in _files(folder or HERE).items():
        for text in file.unrelated:
            if owner := owners.get(normal(text)):
                raise PromptError(
                    f"{name}, field unrelated: {text!r} belongs to {owner}",
                    expected="texts of no action",
                )
            first.setdefault(normal(text), text)
    return tuple(first.values())


def read_file(path: Path) -> PromptFile:
    """One YAML file, checked by itself; references to other files are not followed.

    Raises:
        PromptError: the file cannot be read, is not YAML or does not fit the schema.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=YamlLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{path.name}: cannot be read", got=error) from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split()).replace('in "<unicode string>", ', "in ")
        raise PromptError(f"{path.name}: is not YAML", got=said) from error
    return parse_file(content, path)


def texts_of(action: Action) -> list[tuple[View, str]]:
    """Every text of an action with its view, without repeats; its names come first, as ``plain``."""
    pairs: list[tuple[View, str]] = [("plain", name) for name in action.names]
    pairs += [(view, text) for view in VIEWS for text in action.views[view]]
    first: dict[str, tuple[View, str]] = {}
    for view, text in pairs:
        first.setdefault(normal(text), (view, text))
    return list(first.values())


def without_actions(actions: Mapping[str, Action], withheld: Collection[str]) -> dict[str, Action]:
    """The actions that are neither withheld nor combine one that is, and do not say how they differ from one.

    Args:
        actions: by id.
        withheld: ids.
    """
    gone = set(withheld)
    names = [normal(name) for id_ in gone & set(actions) for name in actions[id_].names]
    kept = {id_: one for id_, one in actions.items() if id_ not in gone and gone.isdisjoint(one.parts)}
    for id_, one in kept.items():
        contrast = tuple(text for text in one.views["contrast"] if not any(n in normal(text) for n in names))
        kept[id_] = one.model_copy(update={"views": {**one.views, "contrast": contrast}})
    return kept


def action_for_name(name: str) -> str | None:
    """Id of the action of this name or id, whatever its case and hyphens; None where there is none."""
    return _ids_by_name().get(normal(name))


@cache
def _files(folder: Path) -> dict[str, PromptFile]:
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise PromptError(f"{folder}: no actions", expected="a folder with *.yaml files")
    return {path.name: read_file(path) for path in paths}


@cache
def _load(folder: Path) -> dict[str, Action]:
    files = _files(folder)
    actions: dict[str, Action] = {}
    for name, file in files.items():
        for action in file.actions:
            if action.id in actions:
                raise PromptError(f"{name}, entry {action.id}: the id is taken", expected="unique ids")
            actions[action.id] = action
    for name, file in files.items():
        _add_texts(actions, name, file.texts)
    _check_references(actions.values(), set(actions))
    _check_owners(actions.values())
    return actions


def _add_texts(
    actions: dict[str, Action], file: str, texts: Mapping[str, Mapping[View, tuple[str, ...]]]
) -> None:
    for id_, more in texts.items():
        if id_ not in actions:
            raise PromptError(f"{file}, field texts.{id_}: no such action", exists=sorted(actions))
        old = actions[id_]
        views = {view: old.views[view] + more.get(view, ()) for view in VIEWS}
        actions[id_] = old.model_copy(update={"views": views})


def _check_references(actions: Iterable[Action], known: set[str]) -> None:
    for action in actions:
        for field in ("neighbours", "parts"):
            missing = [id_ for id_ in getattr(action, field) if id_ not in known]
            if missing:
                raise PromptError(
                    f"entry {action.id}, field {field}: no such action", got=missing, exists=sorted(known)
                )


def _check_owners(actions: Iterable[Action]) -> dict[str, str]:
    """Action id by normal text; one that two actions share would be a wrong answer for one of them."""
    owners: dict[str, str] = {}
    for action in actions:
        for text in (action.id, *action.names, *(text for _, text in texts_of(action))):
            owner = owners.setdefault(normal(text), action.id)
            if owner != action.id:
                raise PromptError(
                    f"entry {action.id}: {text!r} belongs to {owner} too",
                    expected="names and texts of one action only",
                )
    return owners


@cache
def _ids_by_name() -> dict[str, str]:
    actions = load_actions().values()
    return {normal(name): action.id for action in actions for name in (action.id, *action.names)}
