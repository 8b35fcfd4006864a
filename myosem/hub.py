"""Models on the Hugging Face hub: fetched, saved as a folder, and pushed.

Only the named files of a model are ever fetched, and none of them holds a pickle. Needs huggingface_hub.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelCard, ModelHubMixin, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: of whatever client is used
    GatedRepoError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from myosem import __version__, model_store
from myosem.errors import HubError, ModelError, UsageError
from myosem.hub_card import ANY_REPO, model_card
from myosem.model import Model
from myosem.model_config import ADAPTER
from myosem.model_store import NOTICES, RUN_FILES
from myosem.store import sha256_of


class PretrainedModel(Model, ModelHubMixin, library_name="myosem"):
    """A model that can be saved, pushed and fetched; in every other way a ``Model``."""

    run: Path | None = None

    @classmethod
    def of(cls, model: Model, run: Path | None = None) -> Self:
        """The same model, ready to be saved and pushed.

        Args:
            model: an open model.
            run: the folder of ``myosem train`` that it was exported from, whose weights are to go along.

        Raises:
            ModelError: the run is not that of the model.
        """
        made = cls(model.folder, model.config)
        if run is not None:
            _check_run(run, model)
            made.run = run
        return made

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        **model_kwargs: Any,
    ) -> Self:
        """Open a model, fetched first where it is on the hub, after checking it as a whole.

        Args:
            pretrained_model_name_or_path: a folder, or a repository such as ``owner/name``.
            revision: a branch, tag or commit of the repository.
            force_download: fetch again what is there.
            token: for a repository that is not public; True for the one that is stored on this machine.
            cache_dir: where to fetch to; the hub's own cache by default.
            local_files_only: use what was fetched before.
            model_kwargs: none.

        Raises:
            HubError: the hub cannot be reached, or has no such model.
            ModelError: it is not whole, or of another version.
            UsageError: it is neither a folder nor the name of a repository.
        """
        if model_kwargs:
            raise UsageError("a model takes no such argument", got=", ".join(model_kwargs))
        folder = Path(pretrained_model_name_or_path)
        if not folder.is_dir():
            folder = fetched(
                str(pretrained_model_name_or_path),
                revision=revision,
                force_download=force_download,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
            )
        return cls.of(model_store.checked(folder))

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Write the model as a folder that ``--model`` takes, with a README.md for the hub.

        Args:
            save_directory: a new or an empty folder.
            options: as of ``ModelHubMixin.save_pretrained``.

        Raises:
            UsageError: there is something in the folder.
        """
        target = Path(save_directory)
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise UsageError(f"{target} is not empty", expected="a new or an empty folder")
        return super().save_pretrained(target, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        model_store.copy_model(self.folder, save_directory)
        if self.run is not None:
            for name in RUN_FILES:
                shutil.copyfile(self.run / name, save_directory / name)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Push the model to a repository, which is made where there is none.

        Args:
            repo_id: such as ``owner/name``.
            options: as of ``ModelHubMixin.push_to_hub``: ``private``, ``token``, ``branch`` and others.

        Returns:
            Address of the commit.

        Raises:
            HubError: the hub cannot be reached, or does not take it.
            UsageError: this is no name of a repository.
        """
        card = {"repo_id": repo_id} | (options.pop("model_card_kwargs", None) or {})
        with _hub_errors(repo_id, None):
            return str(super().push_to_hub(repo_id, model_card_kwargs=card, **options))

    def generate_model_card(self, repo_id: str = ANY_REPO) -> ModelCard:
        """The README.md, whose numbers are those that the model states."""
        weights = self.run is not None or (self.folder / RUN_FILES[0]).is_file()
        derived = (self.folder / NOTICES[0]).is_file()
        return model_card(self.config, repo_id, derived=derived, weights=weights)


def _check_run(run: Path, model: Model) -> None:
    """Refuse a run that the model was not exported from: both have the same adapter then."""
    missing = [name for name in (*RUN_FILES, ADAPTER) if not (run / name).is_file()]
    if missing:
        raise ModelError(f"{run} holds no trained model", got=f"no {', '.join(missing)}", hint="myosem train")
    if sha256_of(run / ADAPTER) != model.config.files[ADAPTER]:
        raise ModelError(f"the model {model.name} was not exported from {run}", hint=f"myosem export {run}")


def fetched(
    repo_id: str,
    *,
    revision: str | None = None,
    force_download: bool = False,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> Path:
    """The folder of a model from the hub, not checked yet; it is named after the commit.

    Arguments and errors as ``PretrainedModel.from_pretrained``.
    """
    with _hub_errors(repo_id, revision):
        folder = snapshot_download(
            repo_id,
            revision=revision,
            allow_patterns=list(model_store.bundle_files()),
            force_download=force_download,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            library_name="myosem",
            library_version=__version__,
        )
    return Path(str(folder))


@contextmanager
def _hub_errors(repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn what can go wrong with the hub into one sentence."""
    where = repo_id if revision is None else f"{repo_id} at {revision}"
    try:
        yield
    except HFValidationError as error:
        raise UsageError(
            "neither a folder nor a repository", got=repo_id, expected="DIR or OWNER/NAME"
        ) from error
    except RevisionNotFoundError as error:
        raise HubError(f"{repo_id} has no such revision", got=revision) from error
    except (RepositoryNotFoundError, GatedRepoError) as error:
        raise HubError(
            f"the hub does not give {where}",
            got="no such repository, or a private one",
            hint="hf auth login, where it is private",
        ) from error
    except LocalEntryNotFoundError as error:
        raise HubError(
            f"{where} cannot be fetched: the hub is out of reach",
            expected="a network, or a folder that was copied from elsewhere",
            hint="myosem model fetch DIR",
        ) from error
    except (HTTPError, OSError) as error:
        raise HubError(f"the hub refused {where}", got=" ".join(str(error).split())) from error
