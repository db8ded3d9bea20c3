#!/bin/bash
# run.sh - a rehearsal over three machines, which are network namespaces behind one bridge: the hall and the coordinator
# in one, agent hosts in two. What must hold: the sums are right, and a machine that stood still, was lost or has another
# secret is named. Needs the right to make namespaces; cleans up whatever happens.
set -u
bin=$(realpath "${EXAMHALL:-build/examhall}")
work=$(mktemp -d)
passed=0 failed=0
name=ex$$ # namespaces of several runs at once
hosts=(hall load1 load2)
net=10.77.$(($$ % 250))

clean_up() {
    for host in "${hosts[@]}"; do
        ip netns pids "$name-$host" 2>/dev/null | xargs -r kill -9 2>/dev/null
        ip netns del "$name-$host" 2>/dev/null
    done
    ip netns del "$name-lan" 2>/dev/null
    rm -rf "$work"
}

if [ "$(id -u)" != 0 ] || ! ip netns add "$name-lan" 2>/dev/null; then
    echo "skipped distributed: no right to make network namespaces"
    rm -rf "$work"
    exit 0
fi
trap clean_up EXIT
trap 'exit 130' INT TERM

# One bridge, in a namespace of its own, and a cable from it to each machine: .1, .2, .3
ip -n "$name-lan" link add lan type bridge && ip -n "$name-lan" link set lan up
for i in 0 1 2; do
    host=$name-${hosts[$i]}
    ip netns add "$host"
    ip -n "$host" link add eth0 type veth peer name "port$i" netns "$name-lan"
    ip -n "$name-lan" link set "port$i" master lan up
    ip -n "$host" addr add "$net.$((i + 1))/24" dev eth0
    ip -n "$host" link set lo up
    ip -n "$host" link set eth0 up
done

on() { # on MACHINE COMMAND...
    local host=$1
    shift
    ip netns exec "$name-$host" "$@"
}

check() { # check SENTENCE COMMAND...: the test passes when the command does
    local sentence=$1
    shift
    if "$@" >/dev/null; then
        passed=$((passed + 1))
        echo "ok      $sentence"
    else
        failed=$((failed + 1))
        echo "FAILED  $sentence"
    fi
}

agent_host() { # agent_host N OPTIONS...: in a session of its own, so that a whole machine can be stopped or killed
    local i=$1
    shift
    (exec ip netns exec "$name-load$i" setsid "$bin" rehearse "$@" --token-file "$work/token" 2>>"$work/load$i.err") &
    disown $! # it will be killed: no news to this shell
}

rehearse() { # rehearse NAME OPTIONS...
    local run=$1
    shift
    on hall timeout 150 "$bin" rehearse --hall-listen "$net.1" --minutes 1 --ramp 5 --json "$@" \
        >"$work/$run.json" 2>"$work/$run.err"
    echo $? >"$work/$run.status"
}

verdict() { jq -e "$2" "$work/$1.json"; } # verdict NAME CONDITION

(umask 077 && head -c 32 /dev/urandom | base64 >"$work/token" && head -c 32 /dev/urandom | base64 >"$work/other")

# --- who is let in, and to where --------------------------------------------------------------------------------------
agent_host 1 --serve-agent "$net.2"
agent_host 2 --serve-agent "$net.3:7443"
until grep -q waiting "$work/load1.err" && grep -q waiting "$work/load2.err"; do sleep 0.1; done
agents=(--agents "$net.2,$net.3:7443" --token-file "$work/token")

rehearse refused --candidates 10 --agents "$net.2" --token-file "$work/other"
check "a coordinator with another token is refused" [ "$(cat "$work/refused.status")" = 1 ]
check "... and both say why" grep -q "token" "$work/refused.err" "$work/load1.err"
chmod 644 "$work/other"
rehearse open --candidates 10 --agents "$net.2" --token-file "$work/other"
check "a token that others may read is refused" grep -q "chmod 600" "$work/open.err"
printf 'roll,code\nR1,C1\nR2,C2\n' >"$work/codes"
on hall "$bin" rehearse --candidates 2 "${agents[@]}" --target "http://$net.9:1" --codes "$work/codes" 2>"$work/far.err"
check "a hall that an agent host cannot reach is said before the run, with the host" \
    grep -q "$net.2:7443: cannot reach the hall at http://$net.9:1" "$work/far.err"

# --- two runs at once: one as it should be, one in which a machine stands still and another is lost ---------------------
rehearse good --candidates 600 --kill-hall 1 "${agents[@]}" &
good=$!
rehearse bad --candidates 600 --listen-agents "$net.1:7444" --await 2 --token-file "$work/token" &
bad=$!
agent_host 1 --join "$net.1:7444"
stopped=$!
agent_host 2 --join "$net.1:7444"
lost=$!
until grep -q "virtual candidates of" <(tail -n 2 "$work/load2.err") && grep -q "^sitting" "$work/bad.err"; do
    kill -0 "$bad" 2>/dev/null || break
    sleep 0.2
done
kill -STOP -- "-$stopped" # the machine, as far as anyone can see
kill -KILL "$lost"
sleep 5
kill -CONT -- "-$stopped"
wait "$good" "$bad"

check "600 candidates on two machines pass" verdict good '.verdict == "pass"'
check "... all of them, half on each" verdict good \
    '.submitted == 600 and .checked == 600 and ([.agents[].candidates] == [300, 300])'
check "... and the histograms of both machines hold every acknowledged save" verdict good \
    '.saves_acknowledged > 1000 and .latency_ms.save.count == .saves_acknowledged'
check "... and their clocks are known to a millisecond or so" verdict good '[.agents[].clock_error_ms] | max < 20'
check "... and the killed hall was seen to serve again" verdict good '.faults[0].serving_again_ms > 1'
check "a machine that stood still is named and the run is void" verdict bad \
    ".verdict == \"void\" and any(.reasons[]; startswith(\"$net.2:\") and contains(\"stood still\"))"
check "... as is one that was lost, whose candidates count as not checked" verdict bad \
    "any(.reasons[]; startswith(\"$net.3:\") and contains(\"was lost with 300 candidates\")) and .unchecked == 300"
check "... but no answer of the other was lost, and all of it was checked" verdict bad '.saves_lost == 0 and .checked == 300'
check "... and the exit status says no" [ "$(cat "$work/bad.status")" = 1 ]

if [ "$failed" != 0 ]; then
    for file in "$work"/*.err; do
        echo "--- ${file##*/}"
        tail -n 20 "$file"
    done
    jq -c '{verdict, reasons, agents, submitted, checked, unchecked}' "$work/good.json" "$work/bad.json"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
