#!/usr/bin/env python3
"""What counts in a course: reads a course.txt, and says of each submission how late
it is, which one counts, and what it is worth. harness/grade/course.txt explains it.

    course.py FILE                  only looks whether FILE can be read: status 0, or 1 and why
    course.py --counts OUT FILE N   prints a line for each student who has handed in
                                    files of lesson N: the student's folder, and that of
                                    the submission that counts
"""
import datetime
import json
import math
import os
import re
import sys
import unicodedata

NUMBER = re.compile(r'\d+(\.\d+)?')
# Of these nothing could be graded.
UNREADABLE = {'nothing-handed-in', 'zip-broken', 'refused'}


class Course:
    def __init__(self, path):
        self.path = path
        self.penalty, self.grace = 0, 0
        self.weights, self.dues, self.releases = {}, {}, set()
        with open(path, encoding='utf-8') as file:
            try:
                lines = file.read().splitlines()
            except UnicodeDecodeError:
                raise SystemExit(f'{path} is no text in UTF-8.')
        for number, line in enumerate(lines, 1):
            words = line.partition('#')[0].split()
            if words:
                try:
                    self.take(*words)
                except (TypeError, ValueError) as error:
                    raise SystemExit(f'{path}, line {number}: {self.expected(words[0])}'
                                     f'\n    {line.strip()}') from error

    def take(self, word, first, *more):
        if word == 'penalty' and not more and NUMBER.fullmatch(first) and float(first) <= 100:
            self.penalty = float(first)
        elif word == 'grace' and not more:
            self.grace = natural(first)
        elif word == 'weight' and len(more) == 1 and NUMBER.fullmatch(more[0]):
            self.weights[natural(first)] = float(more[0])
        elif word == 'release' and more:
            self.releases.add((natural(first), named(more)))
        elif word == 'due' and more:
            when = datetime.datetime.fromisoformat(more[0])
            if len(more[0]) <= 10:
                raise ValueError('no time of the day')
            self.dues[natural(first), named(more[1:]) or None] = when.timestamp()
        else:
            raise ValueError(word)

    @staticmethod
    def expected(word):
        forms = {
            'penalty': 'expected the percent that a day late takes, 0 to 100, as in: penalty 10',
            'grace': 'expected a number of days, as in: grace 3',
            'release': 'expected a lesson and a student, as in: release 6 Ada Lovelace',
            'weight': 'expected a lesson and its weight, as in: weight 8 2',
            'due': 'expected a lesson, a time, and maybe a student, as in: due 2 2026-10-12T23:59',
        }
        return forms.get(word, f'"{word}" is unknown; expected due, penalty, grace, release or weight')

    def release(self, record):
        """Whether its points that are held count."""
        n, student = record['n'], record['student']
        return (n, student['name']) in self.releases or (n, student['slug']) in self.releases

    def days_late(self, record):
        handed_in, n, student = record['handed_in'], record['n'], record['student']
        due = self.dues.get((n, student['name']), self.dues.get((n, student['slug'])))
        if due is None:
            due = self.dues.get((n, None))
            # What was agreed with one student, Canvas does not know.
            if handed_in['late'] is not None:
                return 1 if handed_in['late'] else 0
        if due is None or handed_in['time'] is None:
            return 0
        return max(0, math.ceil((handed_in['time'] - due) / 86400))

    def weight(self, n):
        return self.weights.get(n, 1)


def natural(text):
    if not re.fullmatch(r'\d{1,4}', text):
        raise ValueError(text)
    return int(text)


def named(words):
    """A student's name, as a line of the file has it."""
    return unicodedata.normalize('NFC', ' '.join(words))


def text(cell):
    """A cell of a table with text, which no spreadsheet takes for a formula."""
    cell = '' if cell is None else str(cell)
    return "'" + cell if cell[:1] in ('=', '+', '-', '@', '\t', '\r') else cell


class Student:
    def __init__(self, about):
        self.name, self.slug = about['name'], about['slug']
        self.id, self.email = about['id'], about['email']
        self.records = {}       # number of the lesson -> all of them, the newest first
        self.counts = {}        # number of the lesson -> the one that counts


def standing(out, course):
    """All students, by name; each record has "days_late", "grace" and "credited" now."""
    students = {}
    with open(os.path.join(out, 'now'), encoding='utf-8') as now:
        places = now.read().splitlines()
    for place in places:
        with open(os.path.join(out, place, 'record.json'), encoding='utf-8') as file:
            record = json.load(file)
        # Where and when it was handed in may have changed since then, without a grade.
        with open(os.path.join(out, place, 'submission.json'), encoding='utf-8') as file:
            record['handed_in'] = json.load(file)['handed_in']
        record['place'] = place
        record['days_late'] = course.days_late(record)
        if course.release(record):
            record['points'] += record['points_held']
            record['points_held'] = 0
        about = record['student']
        student = students.setdefault(about['name'], Student(about))
        student.id, student.email = student.id or about['id'], student.email or about['email']
        student.records.setdefault(record['n'], []).append(record)
    for student in students.values():
        grace = course.grace
        for n in sorted(student.records):
            records = student.records[n]
            records.sort(key=lambda record: record['handed_in']['time'] or 0, reverse=True)
            read = [record for record in records if record['status'] not in UNREADABLE] or records
            student.counts[n] = next((record for record in read if record['days_late'] == 0), read[0])
            for record in records:
                credit(record, course, 0)
            spent = min(grace, student.counts[n]['days_late'])
            credit(student.counts[n], course, spent)
            grace -= spent
    return [students[name] for name in sorted(students, key=lambda name: (name.casefold(), name))]


def credit(record, course, grace):
    """Its points after what the days late take, as a whole number."""
    left = max(0, 100 - course.penalty * (record['days_late'] - grace))
    record['grace'] = grace
    record['credited'] = math.floor(record['points'] * left / 100 + 0.5)


def total(student, course):
    """In percent, or None where nothing weighs anything."""
    earned = weights = 0
    for n, record in student.counts.items():
        weights += course.weight(n)
        if record['points_possible']:
            earned += course.weight(n) * record['credited'] / record['points_possible']
    return 100 * earned / weights if weights else None


def main():
    if len(sys.argv) == 5 and sys.argv[1] == '--counts':
        out, path, n = sys.argv[2:]
        for student in standing(out, Course(path)):
            record = student.counts.get(int(n))
            if record and record['status'] not in UNREADABLE:
                print(student.slug, record['place'])
    elif len(sys.argv) == 2:
        Course(sys.argv[1])
    else:
        raise SystemExit('usage: course.py FILE')


if __name__ == '__main__':
    main()
