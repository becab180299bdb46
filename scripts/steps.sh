# Runs steps one after the other or some at a time, and says at the end what became of each: sourced by test.sh and soak.sh.
#
#   run_steps LOGS AT_ONCE STEP...
#
# A step is a function step_STEP. What it says goes to LOGS/STEP.log, and to the terminal if steps do not run side by side.
# A step that fails does not keep the others from running. The last lines are the runners' own summaries.

# One step, in a subshell of its own with -e: a function tested by `if` would run on after a failure.
run_step() { # run_step LOGS STEP
    local began=$SECONDS result=0
    set +e
    (set -eo pipefail; "step_$2") 2>&1
    result=$?
    set -e
    echo "$result $((SECONDS - began))" >"$1/$2.result"
}

summary() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | grep -aE '^ *Summary \[|^test result:|% tests passed|^Skipped|^=> ' || true
}

run_steps() {
    local logs=$1 at_once=$2 step result seconds lines report="" failed=()
    shift 2
    for step in "$@"; do
        declare -F "step_$step" >/dev/null || { echo "There is no step '$step'." >&2; exit 2; }
        rm -f "$logs/$step.result"
    done
    for step in "$@"; do
        if [ "$at_once" = 1 ]; then
            printf '\n== %s\n' "$step"
            run_step "$logs" "$step" | tee "$logs/$step.log"
        else
            while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n || true; done
            echo "$(date +%T) $step begins; it writes to $logs/$step.log"
            { run_step "$logs" "$step" >"$logs/$step.log"; echo "$(date +%T) $step has ended"; } &
        fi
    done
    wait
    for step in "$@"; do
        read -r result seconds <"$logs/$step.result"
        report+=$(printf '%-9s %5d s  ' "$step" "$seconds")
        if [ "$result" = 0 ]; then
            report+="ok"$'\n'
        else
            report+="FAILED; see $logs/$step.log"$'\n'
            failed+=("$step")
        fi
        lines=$(summary "$logs/$step.log")
        [ -z "$lines" ] || report+="$lines"$'\n'
    done
    local verdict="all passed"
    [ ${#failed[@]} = 0 ] || verdict="FAILED: ${failed[*]}"
    printf '\n== %s in %d s\n%s' "$verdict" "$SECONDS" "$report"
    [ ${#failed[@]} = 0 ]
}
