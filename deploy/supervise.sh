#!/usr/bin/env bash
# supervise.sh NAME RUN_DIR LOG COMMAND...: keeps one program running and starts it again when it dies; ends it on SIGTERM.
# RUN_DIR/NAME.pid is this supervisor, NAME.child the program, NAME.restarts how often it was started again.
# STOP_SIGNAL (default TERM) ends the program; what has not ended STOP_SECONDS (default 30) later is killed.
set -u
name=$1 run=$2 log=$3
shift 3
child=0 stopping=0 restarts=0 short_lives=0
echo $$ >"$run/$name.pid"
echo 0 >"$run/$name.restarts"

stop() {
  stopping=1
  [ "$child" = 0 ] || kill -s "${STOP_SIGNAL:-TERM}" "$child" 2>/dev/null
}
trap stop TERM INT

while [ "$stopping" = 0 ]; do
  started=$SECONDS
  "$@" >>"$log" 2>&1 </dev/null &
  child=$!
  echo "$child" >"$run/$name.child"
  # A signal ends `wait` early; the program's own end ends the loop.
  while kill -0 "$child" 2>/dev/null; do
    wait "$child" && status=0 || status=$?
    if [ "$stopping" = 1 ] && kill -0 "$child" 2>/dev/null; then
      for _ in $(seq $((${STOP_SECONDS:-30} * 10))); do
        kill -0 "$child" 2>/dev/null || break
        sleep 0.1
      done
      kill -KILL "$child" 2>/dev/null && echo "supervise: $name was killed" >>"$log"
      wait "$child" 2>/dev/null
    fi
  done
  [ "$stopping" = 0 ] || break
  restarts=$((restarts + 1))
  echo "$restarts" >"$run/$name.restarts"
  echo "supervise: $name ended with status ${status:-?}; start $restarts again" >>"$log"
  # Back off only when it keeps dying at once.
  if [ $((SECONDS - started)) -lt 2 ]; then short_lives=$((short_lives + 1)); else short_lives=0; fi
  # `wait` on a background sleep, because a signal ends a wait at once and a sleep never.
  if [ "$short_lives" -gt 0 ]; then
    sleep "$((short_lives < 5 ? 1 : 5))" &
    wait $!
  fi
done
rm -f "$run/$name.pid" "$run/$name.child"
