"""The lessons, and how a name says which one it means. For collect and gradesheet."""
import re


class Lessons:
    """lines: "NUMBER FOLDER FILE... : OPTIONAL-FILE..." for each lesson there is."""

    def __init__(self, lines, wanted):
        self.folder, self.files, self.optional = {}, {}, {}
        for line in lines:
            always, _, optional = line.partition(':')
            number, folder, *files = always.split()
            self.folder[int(number)] = folder
            self.files[int(number)] = files
            self.optional[int(number)] = optional.split()
        self.wanted = wanted
        names = '|'.join(re.escape(folder) for folder in self.folder.values())
        self.pattern = re.compile(
            rf'(?P<folder>{names})|(?<![^\W_])lesson[ _-]?0*(?P<number>\d{{1,3}})(?!\d)', re.I)

    def named(self, name):
        """The number of the lesson that this name has in it, or None."""
        match = self.pattern.search(name)
        if not match:
            return None
        if match['folder']:
            return int(match['folder'].split('-')[0])
        return int(match['number']) if int(match['number']) in self.folder else None

    def without(self, name):
        """The name without the lesson's."""
        return re.sub(r'^[ _-]+|[ _-]+$', '', self.pattern.sub('', name, count=1))

    def allowed(self, number):
        return self.files[number] + self.optional[number]
