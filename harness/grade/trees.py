"""Somebody's files and folders, on disk or in a zip, as one tree. For collect.

Nothing is unpacked, and no link is followed: who wants a file reads it, and never
more of it than was asked for. What cannot be taken says so in `refused`.
"""
import io
import os
import re
import stat
import time
import unicodedata
import zipfile

LARGEST_ZIP = 64 << 20          # bytes of a zip that lies in another one
LARGEST_CONTENT = 256 << 20     # bytes that a student's zip says it holds
MOST_ENTRIES = 10000            # in a student's zip
DEEPEST = 3                     # a zip in a zip in a zip
MOST_FOLDERS = 40               # in each other


def visible(text):
    """A name as it can be shown: no control bytes, no broken UTF-8."""
    text = unicodedata.normalize('NFC', text)
    shown = ''
    for char in text:
        code = ord(char)
        if 0xdc80 <= code <= 0xdcff:
            shown += '\\x%02x' % (code - 0xdc00)
        elif code < 32 or 127 <= code < 160:
            shown += '\\x%02x' % code
        else:
            shown += char
    return shown


class Refused(Exception):
    """Why something is not taken; kind is the status of its record."""

    def __init__(self, kind, reason):
        super().__init__(reason)
        self.kind = kind


class Node:
    """A file or folder, on disk or in a zip. A zip is a folder as well."""

    def __init__(self, name, when):
        self.name = name
        self.when = when            # seconds since 1970, or None

    is_folder = False
    is_zip = False
    refused = None                  # a Refused, where it cannot be taken

    def children(self, of_class=False):
        return []


class Folder(Node):
    is_folder = True

    def __init__(self, name, when, nodes=()):
        super().__init__(name, when)
        self.nodes = {node.name: node for node in nodes}

    def children(self, of_class=False):
        return [self.nodes[name] for name in sorted(self.nodes)]


class Link(Node):
    def __init__(self, name, when):
        super().__init__(name, when)
        self.refused = Refused('refused', f'{visible(name)} is a symbolic link. '
                               'Only a file itself is graded.')


class DiskFile(Node):
    def __init__(self, name, when, path):
        super().__init__(name, when)
        self.path = path

    def read(self, limit):
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise Refused('refused', f'{visible(self.name)} cannot be read: {error.strerror}')
        with os.fdopen(fd, 'rb') as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Refused('refused', f'{visible(self.name)} is no regular file, '
                              'so it is not graded.')
            return file.read(limit + 1)


class DiskFolder(Node):
    is_folder = True

    def __init__(self, name, when, path):
        super().__init__(name, when)
        self.path = path

    def children(self, of_class=False):
        nodes = []
        try:
            with os.scandir(self.path) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    nodes.append(self.node(entry))
        except OSError as error:
            self.refused = Refused('refused', f'{visible(self.name)} cannot be read: {error.strerror}')
        return nodes

    def node(self, entry):
        when = entry.stat(follow_symlinks=False).st_mtime
        if entry.is_symlink():
            return Link(entry.name, when)
        if entry.is_dir():
            return DiskFolder(entry.name, when, entry.path)
        file = DiskFile(entry.name, when, entry.path)
        return Zip(file, 1) if is_zip_name(entry.name) and entry.is_file() else file


class ZipMember(Node):
    def __init__(self, name, when, archive, info):
        super().__init__(name, when)
        self.archive = archive
        self.info = info

    def read(self, limit):
        """Never more than limit + 1 bytes, whatever the zip says of its size."""
        try:
            with self.archive.open(self.info) as file:
                return file.read(limit + 1)
        except Exception as error:  # a broken zip can bring up anything
            raise Refused('zip-broken', f'{visible(self.name)} cannot be taken out of '
                          f'the zip: {visible(str(error))}')


class Zip(Node):
    """A zip, as a folder. Opened when somebody asks what is in it."""
    is_folder = True
    is_zip = True

    def __init__(self, file, depth):
        super().__init__(file.name, file.when)
        self.file = file
        self.depth = depth
        self.tree = None
        self.of_class = False

    def infos(self):
        if self.depth > DEEPEST:
            raise Refused('zip-broken', f'{visible(self.name)} is a zip in a zip in a zip.')
        if isinstance(self.file, DiskFile):
            source = self.file.path
        else:
            content = self.file.read(LARGEST_ZIP)
            if len(content) > LARGEST_ZIP:
                raise Refused('zip-broken', f'{visible(self.name)} has more than {LARGEST_ZIP} bytes.')
            source = io.BytesIO(content)
        try:
            self.archive = zipfile.ZipFile(source)
        except Exception as error:  # a broken zip can bring up anything
            raise Refused('zip-broken', f'{visible(self.name)} is no zip, or not whole: '
                          f'{visible(str(error))}')
        return self.archive.infolist()

    def open(self, of_class):
        """Fills in the tree. What is wrong in a zip of a whole class is wrong for one
        student alone: that entry is refused, not the zip."""
        self.tree = Folder(self.name, self.when)
        self.of_class = of_class
        self.refused = None
        try:
            infos = self.infos()
            if not of_class:
                if len(infos) > MOST_ENTRIES:
                    raise Refused('zip-broken', f'{visible(self.name)} holds {len(infos)} files; '
                                  f'at most {MOST_ENTRIES} are taken.')
                size = sum(info.file_size for info in infos)
                if size > LARGEST_CONTENT:
                    raise Refused('zip-broken', f'{visible(self.name)} holds {size} bytes; '
                                  f'at most {LARGEST_CONTENT} are taken.')
            for info in infos:
                self.put(info, of_class)
        except Refused as refused:
            self.refused = refused
            self.tree = Folder(self.name, self.when)

    def put(self, info, of_class):
        # On Windows some write a path as it is written there.
        name = info.filename.replace('\\', '/')
        parts = [part for part in name.split('/') if part not in ('', '.')]
        problem = None
        if name.startswith('/') or re.match(r'[A-Za-z]:', name) or '..' in parts:
            problem = f'a path that leads out of it: {visible(name)}'
        elif stat.S_ISLNK(info.external_attr >> 16):
            problem = f'a symbolic link: {visible(name)}'
        elif info.flag_bits & 1:
            problem = f'what only a password opens: {visible(name)}'
        elif len(parts) > MOST_FOLDERS:
            problem = f'more than {MOST_FOLDERS} folders in each other'
        if problem and not of_class:
            raise Refused('zip-broken', f'{visible(self.name)} holds {problem}')
        parts = [part for part in parts if part != '..']
        if not parts:
            return
        when = self.when
        if of_class:
            try:
                when = time.mktime(info.date_time + (0, 0, -1))
            except (OverflowError, ValueError):
                pass
        folder = self.tree
        for part in parts[:-1]:
            below = folder.nodes.get(part)
            if not isinstance(below, Folder):
                below = folder.nodes[part] = Folder(part, when)
            folder = below
        if info.is_dir():
            folder.nodes.setdefault(parts[-1], Folder(parts[-1], when))
            return
        member = ZipMember(parts[-1], when, self.archive, info)
        if problem:
            member.refused = Refused('refused', f'the zip of the class holds {problem}')
        elif is_zip_name(parts[-1]):
            member = Zip(member, self.depth + 1)
        folder.nodes[parts[-1]] = member

    def children(self, of_class=False):
        if self.tree is None or of_class != self.of_class:
            self.open(of_class)
        return self.tree.children()


def is_zip_name(name):
    return name.lower().endswith('.zip')
