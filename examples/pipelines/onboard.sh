#!/usr/bin/env bash
# Onboards a subscriber by the packed command, and waits until that is over. Prints how the subscriber stands then.
# usage: onboard.sh REQUEST.json KEY    with the deployment's stage in STAGE
#   KEY  the Idempotency-Key, one for each run of the pipeline: a request that is sent again with it starts nothing again
# exit status: 0 when the subscriber is onboarded, 2 when the request is wrong, 1 for anything else
set -euo pipefail
request=$1 key=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

call() { infinstor-onboarding api "$@" --stage "$STAGE" --json >"$work/answer"; }
answer() { jq -r "$1" "$work/answer"; }

for _ in {1..5}; do
  status=0
  call POST /subscribers --body "$request" --idempotency-key "$key" || status=$?
  # Of these answers nobody knows whether anything was started, or nothing was, as AWS was busy.
  [[ $(answer '(.httpStatus // 0) >= 500 or .httpStatus == 429') == true ]] || break
  sleep "$(answer '.retryAfter // 10')"
done
if ((status != 0)); then
  answer '.body // .error' >&2
  exit "$status"
fi

location=$(answer .location)
# Step Functions shows an execution a moment after it has started: until then it is not found.
for ((misses = 0, pause = 10; misses < 5; )); do
  sleep "$pause"
  if call GET "$location"; then
    misses=0 pause=$(answer '.retryAfter // ""')
    [[ -n $pause ]] || break
  else
    misses=$((misses + 1))
  fi
done
answer '.body // .error'
[[ $(answer .body.status) == ACTIVE && $(answer .body.error) == null ]]
