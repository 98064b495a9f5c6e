# Which programs a command is about; sourced by lesson, run and grade, after
# find_lesson.
# shellcheck shell=bash disable=SC2154

# copy_source FROM FILE TO: copies one file of a submission, never a link, a
# device or a giant. Says what is wrong with it otherwise.
copy_source() {
    if [ -L "$1/$2" ]; then
        die "$1/$2 is a symbolic link. Only a file itself is graded:" \
            "copy the text into the folder."
    elif [ ! -e "$1/$2" ]; then
        die "There is no $2 in $1." \
            "Lesson $n is made of: $(student_files "$lesson" | paste -sd ' ')." \
            "" "Next: make start$n   (it adds what is missing to work/$lesson)"
    elif [ ! -f "$1/$2" ]; then
        die "$1/$2 is no regular file, so it is not graded."
    elif [ "$(stat -c %s "$1/$2")" -gt "$largest" ]; then
        die "$1/$2 is larger than $largest bytes: that is no program text."
    fi
    dd if="$1/$2" of="$3/$2" bs=64k iflag=nofollow,fullblock status=none ||
        die "$1/$2 cannot be read."
}

# copy_sources FROM TO: the allow-list of this lesson, nothing else.
copy_sources() {
    local file
    [ -d "$1" ] || die "There is no folder $1." \
        "Next: make start$n   (it makes work/$lesson)"
    rm -rf "$2"
    mkdir -p "$2"
    while read -r file; do
        copy_source "$1" "$file" "$2"
    done < <(student_files "$lesson")
    while read -r file; do
        { [ ! -e "$1/$file" ] && [ ! -L "$1/$file" ]; } ||
            copy_source "$1" "$file" "$2"
    done < <(optional "$lesson" | sed 's/$/.c/')
}

# advice_on_compiling OUT: what the compiler's words mean for a student.
advice_on_compiling() {
    if grep -q 'undefined reference' "$1/compile.log"; then
        echo "The linker misses a function: it is declared and called, but no"
        echo "file of this lesson defines it. Was it deleted or renamed?"
    elif grep -q 'File size limit exceeded' "$1/compile.log"; then
        echo "The compiler may write $megabytes MiB a file, and this would be more. Is there an"
        echo "array with a large initial value?"
    elif grep -q 'out of memory' "$1/compile.log"; then
        echo "The compiler may use 4 GB of memory, and needs more: does a file include"
        echo "itself, or one without an end?"
    elif grep -q 'it takes more than' "$1/compile.log"; then
        echo "The compiler may take $compile_seconds seconds a file. Is there a macro that makes a long"
        echo "text of a short one?"
    else
        echo "Mend the first error first: the later ones often follow from it."
    fi
}

# explain_compile OUT: why it does not compile, in words and the compiler's.
explain_compile() {
    local file
    file=$(cat "$1/failed" 2>/dev/null || echo "A program")
    echo "$file does not compile, so nothing was run and nothing was checked."
    echo
    head -n 20 "$1/compile.log" | sed 's/^/    /'
    echo
    advice_on_compiling "$1"
}

# compile_folder FOLDER OUT: the student's programs in OUT/bin; says so and
# gives 1 if they do not compile, or 2 if the sandbox could not be started.
compile_folder() {
    local status=0
    copy_sources "$1" "$2/src"
    harness/grade/compile --handed-in "$lesson" "$2/src" "$2/bin" || status=$?
    if [ "$status" -eq 1 ]; then
        explain_compile "$2/bin"
    elif [ "$status" -ne 0 ]; then
        echo "The sandbox to compile in could not be started: that is the machine's fault,"
        echo "not yours. Nothing was judged."
        sed 's/^/    /' "$2/bin/compile.log"
    fi
    [ "$status" -eq 0 ] || return "$status"
    if [ -s "$2/bin/compile.log" ]; then
        echo "It compiles, but the compiler warns:"
        echo
        head -n 20 "$2/bin/compile.log" | sed 's/^/    /'
        echo
    fi
}
