"""A written folder to a model repository on the Hugging Face Hub."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from eyespot.artifacts.model_folder import tools
from eyespot.errors import BadArgumentError, EyespotError, MissingDataError, RefusedError
from eyespot.isolation.process import one_line

NAME = r"(?a)(?!\.+/)[\w.-]{1,96}/(?!\.+$)[\w.-]{1,96}"


def check_push(repository: str | None, to: str) -> None:
    """BadArgumentError unless a repository, if any, has the form OWNER/NAME, and what goes there is for the Hub."""
    if repository is not None and not re.fullmatch(NAME, repository):
        raise BadArgumentError(f"push: expected OWNER/NAME, such as you/flowers, found {repository!r}")
    if repository is not None and to != "hub":
        raise BadArgumentError("push: goes with --to hub")


def upload(folder: Path, files: Sequence[Path], repository: str) -> str:
    """Upload these files of a folder in one commit, and return its URL. A new repository is private.

    The Hub is where HF_ENDPOINT says, the account that of `hf auth login` or HF_TOKEN. MissingExtraError without
    huggingface-hub, RefusedError without an account, MissingDataError if the Hub refuses, EyespotError if it does not
    answer.

    Tested against a stand-in, which takes a commit of small files and knows one token. The test does not show that the
    real Hub takes the card's metadata, nor how large files travel (LFS, Xet), nor what organisations allow.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if get_token() is None:
        raise RefusedError(
            f"push: you are not logged in to the Hugging Face Hub; run: hf auth login. Written: {folder}"
        )
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="eyespot")
    names = [glob.escape(path.relative_to(folder).as_posix()) for path in files]
    message = f"eyespot {tools()['eyespot']}: {len(files)} files"
    try:
        hub.create_repo(repository, private=True, exist_ok=True)
        commit = hub.upload_folder(
            repo_id=repository, folder_path=folder, allow_patterns=names, commit_message=message
        )  # fmt: skip
    except HfHubHTTPError as error:
        status = error.response.status_code
        remedy = "run: hf auth login" if status == 401 else "choose a repository that you may write to"
        raise MissingDataError(f"{repository}: the Hub refuses ({status}: {_said(error)}); {remedy}") from error
    except (HTTPError, OSError, ValueError) as error:
        raise EyespotError(f"{hub.endpoint}: the upload failed ({_said(error)}). Written: {folder}") from error
    return str(commit.commit_url)


def _said(error: Exception) -> str:
    return one_line(str(getattr(error, "server_message", None) or error))[:200]
