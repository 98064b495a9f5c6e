#include "contract.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rule_free(struct rule *rule)
{
    bytes_free(&rule->says);
    bytes_free(&rule->why);
}

/* "rule echo.3 must from 3" */
static bool read_head(const char *line, const char *wanted, struct rule *out)
{
    char name[48], level[16], from[8];
    int lesson, fields;
    fields = sscanf(line, "rule %47s %15s %7s %d", name, level, from, &lesson);
    if (fields < 2 || strcmp(name, wanted) != 0)
        return false;
    snprintf(out->name, sizeof out->name, "%s", name);
    out->must = strcmp(level, "should") != 0;
    out->from = fields == 4 && strcmp(from, "from") == 0 ? lesson : 1;
    return true;
}

static void add_line(struct bytes *b, const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t length = strcspn(text, "\r\n");
    if (b->length && length)
        bytes_add_text(b, " ");
    bytes_add(b, text, length);
}

bool rule_find(const char *folder, const char *name, struct rule *out,
               struct bytes *error)
{
    char path[1024], *line = NULL;
    size_t size = 0;
    bool inside = false, found = false;
    struct bytes *field = NULL;

    *out = (struct rule){0};
    snprintf(path, sizeof path, "%s/%.*s.rules", folder,
             (int)strcspn(name, "."), name);
    FILE *file = fopen(path, "re");
    if (!file) {
        bytes_printf(error, "rule %s: cannot read %s: %s", name, path,
                     strerror(errno));
        return false;
    }
    while (getline(&line, &size, file) > 0) {
        const char *text = line + strspn(line, " \t");
        if (strncmp(line, "rule ", 5) == 0) {
            inside = read_head(line, name, out);
            found |= inside;
            field = NULL;
        } else if (inside && strncmp(text, "says ", 5) == 0) {
            field = &out->says;
            add_line(field, text + 5);
        } else if (inside && strncmp(text, "why ", 4) == 0) {
            field = &out->why;
            add_line(field, text + 4);
        } else if (inside && field && text != line && *text != '#') {
            add_line(field, text);
        }
    }
    free(line);
    fclose(file);
    if (!found) {
        bytes_printf(error, "no rule %s in %s", name, path);
        rule_free(out);
    }
    return found;
}
