#!/usr/bin/env bats
# shellcheck disable=SC2154  # bats sets what is used here
# The pages of a class, from records that are made up here.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    out=$BATS_TEST_TMPDIR/out
    mkdir "$out"
    : >"$out/now"
}

# record NAME STATUS [CHECK VERDICT]...: of lesson 2, with these checks.
record() {
    local place name=$1 status=$2
    shift 2
    place=submissions/$(wc -l <"$out/now")
    mkdir -p "$out/$place"
    echo "$place" >>"$out/now"
    # shellcheck disable=SC2016  # the $ are for jq
    jq -n --arg name "$name" --arg status "$status" '{
            student: {name: $name, slug: ($name | gsub("[^A-Za-z]"; "-")), id: null, email: null},
            n: 2, lesson: "02-send-receive", status: $status,
            reason: (if $status == "graded" then null else "because of <i>this</i>" end),
            text: (if $status == "graded" then null else "server.c: <script>alert(1)</script>" end),
            kit: {version: "1.0", hash: "abc"}, isolation: "none", seconds: 2.5, undecided: 0, points_held: 0, look: [],
            points: 3, points_possible: (if $status == "graded" then 10 else null end),
            handed_in: {time: 1791842343, late: null},
            checks: [$ARGS.positional | range(0; length; 2) as $i | {
                name: .[$i], title: "title of \(.[$i])", verdict: .[$i + 1], points: 1,
                sentence: "It said </pre><img src=x onerror=alert(1)>", hint: "hint of \(.[$i])",
                read: "lessons/02-send-receive/README.md#the-end-of-the-stream",
                "waits-for": "one",
                report: "FAIL  \(.[$i]): title\n\n  It said <b>\n  >   1 ms  here the check failed\n"}]
        }' --args "$@" | tee "$out/$place/record.json" >"$out/$place/submission.json"
}

pages() {
    run harness/grade/pages "$out" harness/grade/course.txt
    echo "$output"
    [ "$status" -eq 0 ]
}

# order FILE TEXT...: they stand in the file, one after the other.
order() {
    local page
    page=$(<"$1")
    shift
    for text; do
        [[ $page == *"$text"* ]] || { echo "no (more) $text"; return 1; }
        page=${page#*"$text"}
    done
}

@test "pages: a student's has the failures first, with the ladder, and then the rest" {
    record ada graded zero pass one fail two fail three "not run" four advice five undecided
    pages
    order "$out/students/ada.html" "<h1>ada</h1>" "3 of 10 points" "2 checks failed" \
        'open><summary><strong>title of one' "<b>  &gt;   1 ms  here the check failed</b>" \
        '<details class="fail"><summary><strong>title of two' \
        "1 check not run" "needs: title of one" "title of five" "Advice" "title of four" \
        "1 check passed" "title of zero" "version 1.0 (abc)"
}

@test "pages: where there is no grade it says why" {
    record ada does-not-compile
    record bob nothing-handed-in
    pages
    order "$out/students/ada.html" "does not compile" "There is no grade" \
        "because of &lt;i&gt;this&lt;/i&gt;" "server.c: &lt;script&gt;"
    order "$out/students/bob.html" "nothing handed in" "There is no grade"
    # What the grader has said is for the instructor.
    record eve not-judged
    pages
    run ! grep -q "server.c" "$out/students/eve.html"
    order "$out/index.html" "No grade" "What the grader said of" "server.c: &lt;script&gt;"
}

@test "pages: nothing of a student's is more than text, and nothing is loaded" {
    record '<script>alert("x")</script>' graded one fail
    record 'ada" onclick="x' does-not-compile
    pages
    for page in "$out/index.html" "$out"/students/*.html; do
        run ! grep -qiE '<(script|img|link|iframe|i>)|<[^>]* on[a-z]+=|https?:|url\(' "$page"
        grep -q "Content-Security-Policy.*default-src 'none'" "$page"
        python3 - "$page" <<'END'
import html.parser, sys
class Nested(html.parser.HTMLParser):
    """Each element ends, and in the right order."""
    open_ones = []
    def handle_starttag(self, tag, attributes):
        if tag not in ('meta', 'rect', 'line'):
            self.open_ones.append(tag)
    def handle_endtag(self, tag):
        assert tag in ('rect', 'line') or self.open_ones.pop() == tag, (tag, self.getpos())
page = Nested()
page.feed(open(sys.argv[1], encoding='utf-8').read())
assert not page.open_ones, page.open_ones
END
    done
    # A link leads to a page that is there.
    grep -o 'href="students/[^#"]*' "$out/index.html" | sed 's/href="//' | sort -u |
        while read -r file; do [ -f "$out/$file" ]; done
}

@test "pages: a student's tells of nobody else, and one who has gone has none" {
    record ada graded one fail
    record bob graded one pass
    pages
    run ! grep -q bob "$out/students/ada.html"
    [ -f "$out/students/bob.html" ]
    sed -i '$ d' "$out/now"
    pages
    [ "$(ls "$out/students")" = ada.html ]
}

@test "pages: of several submissions the others are named, and do not count" {
    record ada graded one fail
    record ada zip-broken
    pages
    order "$out/students/ada.html" "Lesson 2: 3 of 10 points" "Also handed in" "the zip cannot be used"
}

@test "pages: what could bend the unit tests is shown, with the points that are held" {
    record ada graded one pass
    record bob graded one pass
    sed -i 's/"points_held": 0/"points_held": 5/; s/"look": \[\]/"look": ["event.c: has #pragma <b>"]/' \
        "$out/submissions/0/record.json"
    pages
    order "$out/students/ada.html" "5 more points" "are held" "event.c: has #pragma &lt;b&gt;"
    run ! grep -q "are held" "$out/students/bob.html"
    order "$out/index.html" "Look at these" ">ada</a>: 5 points held" "event.c: has #pragma &lt;b&gt;"
    sed "s/^grace.*/release 2 ada/" harness/grade/course.txt >"$out/course.txt"
    harness/grade/pages "$out" "$out/course.txt"
    order "$out/students/ada.html" "8 of 10 points"
    run ! grep -q "are held" "$out/students/ada.html"
}

@test "pages: the instructor's says what the class misunderstood, the most frequent first" {
    record ada graded one pass two fail three fail
    record bob graded one fail two "not run" three "not run"
    record cleo graded one pass two fail three pass
    record dan graded one pass two fail three pass
    record eve graded one pass two pass three pass
    record zoe does-not-compile
    pages
    order "$out/index.html" "6 students, 6 submissions" "5 of 6 students have a grade" \
        "Half of them have 30 %" "the longest 2 s" "No grade" "zoe" \
        "3 of 5: title of two (two)" "hint of two" \
        "lessons/02-send-receive/README.md, <em>The end of the stream</em>" \
        "<details><summary>" ">ada</a>" "here the check failed" ">cleo</a>" "Also: " ">dan</a>" \
        "1 of 5: title of one (one)" ">bob</a>" \
        "Distribution" "5 from 30 %" "Students and checks" '<td class="fail">F</td>' \
        '>failed</th><td></td><td></td><td>1</td><td>3</td><td>1</td>' \
        "kept from the programs that it ran: none"
    run ! grep -q "of 5: title of three" "$out/index.html"
}
