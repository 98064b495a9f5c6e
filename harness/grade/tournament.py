#!/usr/bin/env python3
"""Who plays in a tournament, and the page with how it went. For harness/grade/tournament.

    tournament.py players OUT COURSE N    prints a line for each who plays: the key of the
                                          submission, its folder, and the student's checks
    tournament.py page OUT COURSE N       writes OUT/tournament/LESSON.html

On the page each student has another name: it is shown in class. Who is who stands in
OUT/tournament/names.csv, which is made once and then only gets longer, so that a name
stays the same for the whole course.
"""
import csv
import os
import random
import sys
from html import escape

sys.dont_write_bytecode = True  # nothing but the kit's own lies in its folders
from course import Course, standing, text
from webpage import counted, page, put

ALIASES = '''
    Albatross Avocet Bittern Blackbird Bluethroat Bullfinch Bustard Buzzard Chaffinch Chough
    Coot Cormorant Crane Crossbill Cuckoo Curlew Dipper Dotterel Dove Dunlin Eagle Egret Eider
    Falcon Fieldfare Firecrest Fulmar Gadwall Gannet Garganey Godwit Goldcrest Goldfinch
    Goosander Goshawk Grebe Greenshank Guillemot Gull Harrier Heron Hobby Hoopoe Ibis Jackdaw
    Jay Kestrel Kingfisher Kite Kittiwake Knot Lapwing Lark Linnet Magpie Mallard Martin Merlin
    Moorhen Nightingale Nightjar Nuthatch Oriole Osprey Ouzel Owl Partridge Pelican Petrel Pipit
    Plover Pochard Puffin Quail Raven Redpoll Redshank Redstart Robin Rook Ruff Sandpiper Serin
    Shearwater Shoveler Shrike Siskin Skua Smew Snipe Sparrow Spoonbill Starling Stilt Stonechat
    Stork Swallow Swan Swift Teal Tern Thrush Treecreeper Turnstone Twite Wagtail Warbler
    Waxwing Wheatear Whimbrel Whinchat Wigeon Woodcock Woodpecker Wren Wryneck'''.split()


def players(out, course, n):
    """(student, record) of those whose submission that counts compiles."""
    return [(student, student.counts[n]) for student in standing(out, course)
            if n in student.counts and student.counts[n]['status'] == 'graded']


def checks_of(out, record):
    """The files with checks that the student has written."""
    return sorted(name for name in os.listdir(os.path.join(out, record['place'], 'src'))
                  if name.endswith('.wire'))


def names(out, students):
    """student's slug -> the name on the page."""
    path = os.path.join(out, 'tournament', 'names.csv')
    known = {}
    if os.path.exists(path):
        with open(path, encoding='utf-8', newline='') as file:
            known = {row['folder']: (row['name on the page'], row['student'])
                     for row in csv.DictReader(file)}
    taken = {alias for alias, _ in known.values()}
    rounds = 1
    for student in random.sample(students, len(students)):
        if student.slug in known:
            continue
        free = []
        while not free:
            free = [alias + (f' {rounds}' if rounds > 1 else '') for alias in ALIASES]
            free = [alias for alias in free if alias not in taken]
            rounds += not free
        known[student.slug] = (random.choice(free), text(student.name))
        taken.add(known[student.slug][0])
    with open(path + '.new', 'w', encoding='utf-8', newline='') as file:
        book = csv.writer(file)
        book.writerow(['name on the page', 'student', 'folder'])
        for slug, (alias, student) in sorted(known.items(), key=lambda one: one[1]):
            book.writerow([alias, student, slug])
    os.replace(path + '.new', path)
    return {slug: alias for slug, (alias, _) in known.items()}


class Match:
    """What harness/grade/match has left."""

    def __init__(self, path):
        try:
            with open(path, encoding='utf-8', errors='replace') as file:
                self.word, self.says = (file.read() + '\n').split('\n')[:2]
        except OSError:
            self.word, self.says = 'undecided', 'It was not played.'


def table(head, rows):
    return ('<table>\n<tr>' + ''.join(f'<th>{escape(cell)}</th>' for cell in head) + '</tr>\n'
            + ''.join('<tr>' + ''.join(f'<td>{escape(str(cell))}</td>' for cell in row) + '</tr>\n'
                      for row in rows) + '</table>\n')


def matrix(those, alias, pairs):
    body = ('<p class="note">A row is a server, a column a client. '
            '<span class="pass">·</span> they understand each other, '
            '<span class="fail">F</span> they do not, <span class="open">?</span> the machine could '
            'not tell. Point at a cell to read what happened.</p>\n'
            '<div class="wide"><table class="matrix">\n<tr><th></th>')
    for key in those:
        body += f'<th class="check">{escape(alias[key])}</th>'
    body += '</tr>\n'
    for server in those:
        body += f'<tr><th class="name">{escape(alias[server])}</th>'
        for client in those:
            match = pairs[server, client]
            letter, kind = {'pass': ('·', 'pass'), 'fail': ('F', 'fail')}.get(match.word, ('?', 'open'))
            says = f'{alias[server]} and {alias[client]}: ' + (match.says or 'they understand each other')
            body += f'<td class="{kind}" title="{escape(says)}">{letter}</td>'
        body += '</tr>\n'
    return body + '</table></div>\n'


def best(those, alias, understood):
    """The sentence about the programs that understood the most others."""
    most = max(understood[key] for key in those)
    names_of_best = sorted(alias[key] for key in those if understood[key] == most)
    return (f'{counted(most, "program")} of {len(those)}: ' + escape(', '.join(names_of_best[:12]))
            + (f' and {len(names_of_best) - 12} more' if len(names_of_best) > 12 else ''))


def written(out, home, playing, alias):
    """The checks that students have written: what they have found."""
    good, bad = [], []
    for key, record in {record['key']: record for _, record in playing}.items():
        for file in checks_of(out, record):
            verdict = Match(f'{home}/checks/{key}:{file}')
            if verdict.word != 'good':
                bad.append((alias[key], file, verdict.says))
                continue
            caught = []
            for other in alias:
                run = Match(f'{home}/runs/{key}:{file}-{other}')
                if other != key and run.word == 'fail':
                    caught.append((alias[other], run.says))
            good.append((alias[key], file, caught))
    body = ''
    if good:
        body += '<h2>Checks that you have written</h2>\n<p>Each passes all right programs. It scores '
        body += 'a point for each program of somebody else in which it finds a bug.</p>\n'
        for name, file, caught in sorted(good, key=lambda one: (-len(one[2]), one[0])):
            body += (f'<details><summary><strong>{counted(len(caught), "point")}</strong>: '
                     f'{escape(file)} of {escape(name)}</summary>\n')
            body += table(['program of', 'what it does wrong'], caught) if caught else '<p>No bug was found.</p>\n'
            body += '</details>\n'
    if bad:
        body += '<h2>Checks that do not count</h2>\n' + table(['of', 'check', 'why'], bad)
    return body


def tournament_page(out, course, n):
    playing = players(out, course, n)
    lesson = playing[0][1]['lesson']
    home = os.path.join(out, 'tournament', lesson)
    called = names(out, [student for student, _ in playing])
    alias = {}
    for student, record in playing:
        # Who has handed in the same plays once.
        before = alias.get(record['key'])
        alias[record['key']] = (before + ', ' if before else '') + called[student.slug]
    those = sorted(alias, key=alias.get)
    pairs = {(server, client): Match(f'{home}/pairs/{server}-{client}')
             for server in those for client in those}
    served = {one: sum(pairs[one, client].word == 'pass' for client in those) for one in those}
    asked = {one: sum(pairs[server, one].word == 'pass' for server in those) for one in those}
    body = (f'<h1>Lesson {n}: who understands whom</h1>\n<p>{counted(len(those), "student")}, '
            f'{counted(len(pairs), "pair")} of a server and a client.</p>\n'
            f'<ul><li>Servers that understood the most: {best(those, alias, served)}</li>\n'
            f'<li>Clients that understood the most: {best(those, alias, asked)}</li></ul>\n'
            + matrix(those, alias, pairs) + written(out, home, playing, alias))
    put(home + '.html', page(f'Lesson {n}: who understands whom', body))
    understood = sum(match.word == 'pass' for match in pairs.values())
    print(f'{understood} of {counted(len(pairs), "pair")} understand each other')


def main():
    what, out, path, n = sys.argv[1:]
    course = Course(path)
    if what == 'page':
        tournament_page(out, course, int(n))
        return
    for key, record in {record['key']: record for _, record in players(out, course, int(n))}.items():
        print(key, record['place'], *(f'{key}:{file}' for file in checks_of(out, record)))


if __name__ == '__main__':
    main()
