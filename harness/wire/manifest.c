#include "manifest.h"

#include <limits.h>
#include <stdio.h>

static void add_line(struct bytes *out, const struct script *s,
                     const struct journal *j)
{
    const char *verdict = journal_get(j, "verdict");
    bytes_printf(out, "%s ", s->name);
    /* One word: not-run. */
    for (const char *c = *verdict ? verdict : "missing"; *c; c++)
        bytes_add(out, *c == ' ' ? "-" : c, 1);
    bytes_printf(out, " %d\n", s->points);
}

bool manifest_write(const char *folder, const struct list *l,
                    const struct journal *journals)
{
    char path[PATH_MAX], new_path[PATH_MAX];
    struct bytes text = {0};

    for (int i = 0; i < l->count; i++)
        add_line(&text, &l->entries[i].script, &journals[i]);
    snprintf(path, sizeof path, "%s/manifest", folder);
    snprintf(new_path, sizeof new_path, "%s/manifest.new", folder);
    /* Under another name first: nobody reads half of it. */
    FILE *file = fopen(new_path, "we");
    bool good = file != NULL;
    if (good) {
        good = fwrite(bytes_text(&text), 1, text.length, file) == text.length;
        good &= fclose(file) == 0;
        good = good && rename(new_path, path) == 0;
    }
    bytes_free(&text);
    return good;
}
