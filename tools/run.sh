#!/bin/sh
# run.sh - the front door behind `make run`: a hall in ./hall, made when it is not there, and served.
set -eu
hall=${HALL:-hall}
listen=${LISTEN:-0.0.0.0:8443}

if [ ! -e "$hall/keys/master" ]; then
    build/examhall init "$hall"
else
    echo "The hall in ./$hall is there already; the officer's password was shown when it was made."
    echo "(To begin anew: rm -r $hall)"
fi
exec build/examhall serve --data "$hall" --listen "$listen"
