"""An object store as the place of an archive: ``s3://``, ``gs://`` and ``az://``, through obstore.

Delta and obstore stand on the same library, so both find login and address the same way, as the providers' own tools
do: environment variables, shared files, the identity of the machine. A URL never holds a secret.

A put makes an object appear whole. The document is put on the condition that it is still what was read, by its ETag
(S3, Azure) or generation (Google), so of two processes the second reads again.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from workbench.archive.storage.causes import plain
from workbench.core.errors import ArchiveError

T = TypeVar("T")

SCHEMES = ("s3", "gs", "az")

_RETRIES, _RETRY_S, _CONNECT_S, _ANSWER_S = 3, 20, 5, 60
_ATTEMPTS = 50
#: A copy says this often that it goes on, and counts as gone after so long without a word. [s]
_WORD_S, _GONE_S = 30.0, 120.0
_HINT = "Check address, login (environment variables or files of the provider) and permissions; nothing was changed."


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket or container."""

    url: str
    store: Any = field(repr=False, compare=False)
    settled: Mapping[str, str] = field(repr=False, compare=False)
    login: Mapping[str, Any] = field(repr=False, compare=False)
    prefix: str = ""
    remote = True

    def __str__(self) -> str:
        return f"{self.url}/{self.prefix}".rstrip("/")

    def __truediv__(self, name: str) -> Bucket:
        return Bucket(self.url, self.store, self.settled, self.login, f"{self.prefix}{name}/")

    @property
    def options(self) -> Mapping[str, str]:
        """What Delta needs beside the address; a key that expires is as it is now."""
        options = dict(self.settled)
        if "credential_provider" in self.login:
            key = self.login["credential_provider"]()
            options |= {"aws_access_key_id": key["access_key_id"], "aws_secret_access_key": key["secret_access_key"]}
            options |= {"aws_session_token": key["token"]} if key["token"] else {}
        if region := self.login.get("config", {}).get("region"):
            options["aws_region"] = region
        return options

    def identity(self) -> int:
        """Nothing takes the place of a prefix in one step."""
        return 0

    def changed(self) -> None:
        """Only a list of the store can tell."""

    def names(self) -> list[str]:
        """Names of the objects and prefixes directly below, sorted."""
        with self._asking("list"):
            listing = self.store.list_with_delimiter(self.prefix or None)
        paths = [*(entry["path"] for entry in listing["objects"]), *listing["common_prefixes"]]
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in paths)

    def lists_from(self) -> bool:
        """Say whether the store begins a list where it is asked to, as Delta needs it; True when there is nothing."""
        with self._asking("list"):
            paths = sorted(entry["path"] for page in self.store.list(self.prefix or None) for entry in page)
            behind = self.store.list(self.prefix or None, offset=f"{paths[-1]}~") if paths else ()
            return not any(page for page in behind)

    def size(self) -> int:
        """Size of all objects below. [bytes]"""
        with self._asking("list"):
            return sum(entry["size"] for page in self.store.list(self.prefix or None) for entry in page)

    def write(self, name: str, fill: Callable[[Any], T]) -> tuple[T, int]:
        """Fill a buffer and put it as one object; see :class:`workbench.archive.storage.place.Place`."""
        buffer = io.BytesIO()
        result = fill(buffer)
        size = buffer.tell()
        if size:
            buffer.seek(0)
            with self._asking(f"write {name} in"):
                self.store.put(self.prefix + name, buffer, use_multipart=False)
        return result, size

    def source(self, name: str, size: int) -> pa.PythonFile:
        """File that asks for the ranges that are read of an object."""
        return pa.PythonFile(_Ranges(self, self.prefix + name, size), mode="r")

    def as_arrow(self) -> fs.FileSystem:
        """File system by which a set of rows is read."""
        from obstore.fsspec import FsspecStore

        return fs.PyFileSystem(fs.FSSpecHandler(FsspecStore(self.url.partition(":")[0], **self.login)))

    def delete(self, name: str) -> None:
        """Delete an object where there is one."""
        with self._asking(f"delete {name} in"), suppress(FileNotFoundError):
            self.store.delete(self.prefix + name)

    def load(self, name: str) -> bytes | None:
        """Read a small object; None where there is none."""
        return self._versioned(name)[0]

    def change(self, name: str, make: Callable[[bytes | None], bytes]) -> None:
        """Put a small object anew on the condition that nobody else did since it was read."""
        for _ in range(_ATTEMPTS):
            held, version = self._versioned(name)
            fresh = make(held)
            if fresh == held or self._put_if(name, fresh, version):
                return
        raise ArchiveError(
            f"Other writers changed {name} in {self} {_ATTEMPTS} times in a row.", hint="Run the command again."
        )

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Hold a lease in an object; that of a killed process ends after two minutes.

        A lease spares work and guards nothing: what two copies at once append is read once all the same.
        """
        own = uuid.uuid4().hex
        held, version = self._versioned(name)
        lease = _lease(held)
        if 0 < lease["until"] - time.time() <= _GONE_S or not self._put_if(name, _word(own), version):
            raise ArchiveError(
                f"Another process copies into the archive in {self}.",
                hint=f"Wait until it is done; one that was killed counts as gone after {_GONE_S:.0f} s.",
            )
        ended = threading.Event()
        going_on = threading.Thread(target=self._go_on, args=(name, own, ended), daemon=True)
        going_on.start()
        try:
            yield
        finally:
            ended.set()
            going_on.join()
            with suppress(ArchiveError):  # a lease that could not be given back runs out
                if _lease(self.load(name))["holder"] == own:
                    self.delete(name)

    def _go_on(self, name: str, own: str, ended: threading.Event) -> None:
        while not ended.wait(_WORD_S):
            with suppress(ArchiveError):  # the next word may get through
                held, version = self._versioned(name)
                if _lease(held)["holder"] != own:
                    return
                self._put_if(name, _word(own), version)

    def _versioned(self, name: str) -> tuple[bytes | None, Any]:
        """Content of an object, and under which condition it may be put anew."""
        with self._asking(f"read {name} in"):
            try:
                answer = self.store.get(self.prefix + name)
            except FileNotFoundError:
                return None, "create"
            meta = answer.meta
            return bytes(answer.bytes()), {key: meta[key] for key in ("e_tag", "version") if meta.get(key)}

    def _put_if(self, name: str, content: bytes, condition: Any) -> bool:
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._asking(f"write {name} in"):
            try:
                self.store.put(self.prefix + name, content, mode=condition, use_multipart=False)
            except (AlreadyExistsError, PreconditionError, FileNotFoundError):
                return False
        return True

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise ArchiveError(f"The archive cannot {what} {self}: {plain(error)}.", hint=_HINT) from None


class _Ranges(io.RawIOBase):
    """A file over an object that is read in ranges."""

    def __init__(self, place: Bucket, path: str, size: int) -> None:
        self._place, self._path, self._size, self._at = place, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        from obstore.exceptions import BaseError

        end = self._size if size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        try:
            part = bytes(self._place.store.get_range(self._path, start=self._at, end=end))
        except BaseError as error:
            raise OSError(plain(error)) from None
        self._at += len(part)
        return part


def _lease(content: bytes | None) -> dict[str, Any]:
    try:
        document = json.loads(content or b"{}")
        return {"holder": str(document["holder"]), "until": float(document["until"])}
    except (ValueError, KeyError, TypeError):
        return {"holder": "", "until": 0.0}


def _word(holder: str) -> bytes:
    return json.dumps({"holder": holder, "until": time.time() + _GONE_S}).encode()


def bucket_of(url: str) -> Bucket:
    """Open a prefix of an object store; nothing is asked yet.

    Raises
    ------
    ArchiveError
        Another scheme, no bucket, credentials in the URL, or obstore is not installed.
    """
    scheme, host, path = checked(url)
    try:
        from obstore.store import from_url
    except ImportError:
        raise ArchiveError(
            f"An archive at {scheme}:// needs obstore, which is not installed.",
            hint="From the checkout: pip install '.[objects]'.",
        ) from None
    address = f"{scheme}://{host}/{path}".rstrip("/")
    plain_http = endpoint_of(scheme).startswith("http://")
    login = {
        "client_options": {
            "allow_http": plain_http,
            "connect_timeout": timedelta(seconds=_CONNECT_S),
            "timeout": timedelta(seconds=_ANSWER_S),
        },
        "retry_config": {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_S)},
        **(_amazon_login() if scheme == "s3" else {}),
    }
    try:
        store = from_url(address, **login)
    except Exception as error:
        raise ArchiveError(f"The archive at {address} cannot be opened: {plain(error)}.", hint=_HINT) from None
    options = {
        "allow_http": str(plain_http).lower(),
        "connect_timeout": f"{_CONNECT_S}s",
        "timeout": f"{_ANSWER_S}s",
        "max_retries": str(_RETRIES),
        "retry_timeout": f"{_RETRY_S}s",
    }
    if scheme == "s3":
        options["aws_conditional_put"] = "etag"
    return Bucket(address, store, options, login)


def checked(url: str) -> tuple[str, str, str]:
    """Scheme, bucket and path of a URL, or an error that repeats none of its secrets.

    Examples
    --------
    >>> checked("s3://history/team-a/")
    ('s3', 'history', 'team-a')
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ArchiveError(
            f"No archive can lie at {parts.scheme}://.",
            hint="Name a local folder, or s3://bucket/path, gs://bucket/path or az://container/path.",
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ArchiveError(
            f"The {parts.scheme}:// address of an archive holds more than a bucket and a path.",
            hint="Credentials come from the environment or the files of the provider, and never stand in the address.",
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", parts.netloc):
        raise ArchiveError(f"{parts.scheme}:// names no bucket.", hint=f"Write {parts.scheme}://bucket/path.")
    return parts.scheme, parts.netloc, parts.path.strip("/")


def endpoint_of(scheme: str) -> str:
    """Address of a store that is not the provider's own, as their tools read it from the environment."""
    names = {
        "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        "gs": ("GOOGLE_BASE_URL",),
    }
    return next((os.environ[name] for name in names[scheme] if os.environ.get(name)), "")


def _amazon_login() -> dict[str, Any]:
    """Login and region from Amazon's shared files, where botocore is installed and the environment has no key."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    try:
        from botocore.session import Session
    except ImportError:
        return {}
    session = Session()
    credentials = session.get_credentials()
    if credentials is None:
        return {}

    def frozen() -> dict[str, Any]:
        key = credentials.get_frozen_credentials()
        return {
            "access_key_id": key.access_key,
            "secret_access_key": key.secret_key,
            "token": key.token,
            "expires_at": datetime.now(UTC) + timedelta(minutes=10),
        }

    region = session.get_config_variable("region")
    return {"credential_provider": frozen, **({"config": {"region": region}} if region else {})}
