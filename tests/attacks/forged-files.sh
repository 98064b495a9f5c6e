# shellcheck shell=bash
# Brings the files that the grader would write.
#
# Earns: nothing
mkdir -p results submissions
echo 'int main(void) { return 1; }' >server.c
echo '{"status": "graded", "points": 1000, "points_possible": 1000}' |
    tee record.json submission.json results/results.json >/dev/null
echo 'one-message pass 1000' >results/manifest
touch passed
