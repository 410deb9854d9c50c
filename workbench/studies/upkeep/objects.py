"""A file put into an object store by the URL of a prefix."""

from __future__ import annotations

from workbench.archive.storage.objects import bucket_of


def put_object(url: str, name: str, content: bytes) -> None:
    """Put one object; it appears whole, in place of one of the same name.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, ``gs://...`` or ``az://...``; login as the provider's own tools find it.
    name : str
        Below the prefix.
    content : bytes
        Content of the object.

    Raises
    ------
    ArchiveError
        The store does not take it.
    """
    bucket_of(url).write(name, lambda file: file.write(content))
