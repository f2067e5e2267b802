"""Names from outside as paths, C, markup and terminal output: one function for each, used wherever one goes.

A name that means only itself there stays as it is. CMake gets names by `c_name` alone.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 64  # bytes of a name that is kept in a file name

# Patterns, compiled when they are first used: most commands need none.
_DEVICES = r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³])\s*(\.|$)"  # on Windows
_PLAIN = r"(?a)[a-z][a-z\d]*([-_][a-z\d]+)*"
_DEFINED = (  # prefixes of <stdint.h> and <limits.h>, such as INT8_WIDTH; then targets of CMake and make
    r"u?(char|shrt|int|long|llong|int(ptr|max|(_least|_fast)?\d+))|schar|bool|ptrdiff|sig_atomic|size|wchar|wint"
    r"|all|clean|edit_cache|help|install|makefile|package|package_source|preinstall|rebuild_cache|test"
)
_MARKUP = (
    r"(?i)[\\`*\[\]<|~$@]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, which does not begin or end within a word
    r"|&(?=[#\w])"
    r"|[:/](?=/)|(?<=www)\."  # addresses that become links
    r"|^ | $|(?<= ) "
)


def is_line(text: str) -> bool:
    """Whether a name can be a line of a text file: not empty, valid Unicode, without control characters."""
    return bool(text) and not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in text)


def terminal(text: str) -> str:
    """What a terminal only shows: other characters, such as control and direction ones, as Python's escapes."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def is_reserved(name: str) -> bool:
    """Whether Windows takes a file of this name for a device, in any folder."""
    return bool(re.match(_DEVICES, name))


def file_name(text: str) -> str:
    """A component of a path, on any system, of at most 80 bytes; never empty, `.` or `..`.

    A name that cannot stay as it is gets a digest, so that different ones stay different.
    """
    safe = re.sub(r'[<>:"/\\|?*]', "_", "".join(each if each.isprintable() else "_" for each in text))
    kept = safe.encode()[:LONGEST].decode(errors="ignore")
    if text == kept and text.strip(" ").rstrip(".").lstrip(".") == text != "" and not is_reserved(text):
        return text
    return f"{kept.replace('.', '_').strip(' ') or 'name'}-{_digest(text)}"


def c_name(text: str) -> str:
    """An identifier of C and a target of CMake. A name that is not plain, or defined already, gets a digest."""
    if re.fullmatch(_PLAIN, text) and len(text) <= LONGEST and not re.fullmatch(_DEFINED, text):
        return text.replace("-", "_")
    words = re.findall(r"[a-z\d]+", text.lower(), re.ASCII)
    kept = "_".join(words)[:LONGEST].strip("_")
    return f"{kept}_{_digest(text)}" if kept[:1].isalpha() else f"model_{kept}{'_' if kept else ''}{_digest(text)}"


def c_comment(text: str) -> str:
    """Text within a comment of C: in ASCII, with Python's escapes, and nothing that ends the comment or a line."""
    ascii_only = text.encode("unicode_escape").decode()
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)", r"\\", ascii_only)


def c_string(text: str) -> str:
    """A string literal of C that holds the text in UTF-8."""
    plain = set(range(32, 127)) - set(b'"\\?')
    escapes = {ord('"'): '\\"', ord("\\"): "\\\\"}
    data = text.encode(errors="backslashreplace")
    return '"' + "".join(chr(each) if each in plain else escapes.get(each, f"\\{each:03o}") for each in data) + '"'


def markdown(text: str) -> str:
    """Text in Markdown, also in a cell of a table, that is shown as it is; control characters as escapes.

    An empty comment keeps GitHub from making a link of a mail address.
    """
    return re.sub(_MARKUP, lambda match: "<!-- -->" * (match[0] == "@") + f"&#{ord(match[0])};", terminal(text))


def markdown_code(text: str) -> str:
    """The same in the type of code."""
    plain = text.isprintable() and text.strip(" ") == text != "" and not set(text) & set("`|\\")
    return f"`{text}`" if plain else f"<code>{markdown(text)}</code>"


def html(text: str) -> str:
    """Text or an attribute's value in HTML; control characters as escapes."""
    from html import escape  # loads a table of all entities

    return escape(terminal(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:8]
