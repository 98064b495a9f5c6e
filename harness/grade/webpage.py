"""Pages that are whole in themselves: they load nothing, and run nothing. For pages and
tournament.py."""
import os
from html import escape

STYLE = '''
:root { color-scheme: light; }
body { font: 16px/1.5 "DejaVu Sans", "Segoe UI", Verdana, sans-serif; color: #1a1a1a;
  background: #fff; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h1, h2, h3, h4 { color: #0b3d66; line-height: 1.25; margin: 1.6em 0 .5em; }
h1 { margin-top: 0; } h3 { font-size: 1.1em; } h4 { font-size: 1em; margin-top: 1.2em; }
h2 { border-bottom: 2px solid #0b3d66; padding-bottom: .2em; }
a { color: #0b3d66; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25em .8em .25em 0; border-bottom: 1px solid #d5dbe1;
  vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { font: 13px/1.35 "DejaVu Sans Mono", Consolas, Menlo, monospace; background: #f5f7f9;
  border: 1px solid #d5dbe1; padding: .8em; overflow-x: auto; margin: .5em 0; }
pre b { background: #ffe3e0; font-weight: bold; }
details { border-left: 4px solid #d5dbe1; padding-left: .8em; margin: .8em 0; }
details.fail { border-color: #b3261e; }
summary { cursor: pointer; }
.note { color: #4a5560; }
.wide { overflow-x: auto; }
table.matrix { font-size: 13px; }
table.matrix td, table.matrix th { padding: 1px 3px; text-align: center; border: 1px solid #e3e8ed; }
table.matrix th.name { text-align: left; white-space: nowrap; font-weight: normal;
  position: sticky; left: 0; background: #fff; padding-right: .8em; }
table.matrix th.check { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal;
  white-space: nowrap; padding: 3px 1px; text-align: left; }
.pass { background: #e7f4ea; } .fail { background: #ffd9d5; font-weight: bold; }
.wait { background: #f0f0f0; color: #555; } .open { background: #fff3cd; }
details.fail { background: none; font-weight: normal; }
svg text { font: 12px "DejaVu Sans", Verdana, sans-serif; fill: #1a1a1a; }
@media print { body { margin: 0; max-width: none; } }
'''


def page(title, body):
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy" '
            'content="default-src \'none\'; style-src \'unsafe-inline\'">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n'
            + body + '</body>\n</html>\n')


def counted(number, word):
    return f'{number} {word}' + ('' if number == 1 else 's')


def put(path, text):
    with open(path + '.new', 'w', encoding='utf-8', errors='replace') as file:
        file.write(text)
    os.replace(path + '.new', path)
