#!/usr/bin/env bash
# The same as onboard.sh with curl 7.87 or newer and jq, and nothing of this project.
# usage: onboard-curl.sh REQUEST.json KEY    with the output HttpApiUrl in API, AWS_REGION, and credentials in AWS_ACCESS_KEY_ID,
#   AWS_SECRET_ACCESS_KEY and, if they are temporary, AWS_SESSION_TOKEN
# exit status: 0 when the subscriber is onboarded, 2 when the request is wrong, 1 for anything else
set -euo pipefail
request=$1 key=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In a file, because others on the computer can read the arguments of a command.
(
  umask 077
  printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
  if [[ -n ${AWS_SESSION_TOKEN:-} ]]; then printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"; fi
) >"$work/credentials"
# Prints the status of the answer, 000 when there was none.
call() {
  curl -sS --max-time 60 --config "$work/credentials" --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" \
    --output "$work/answer" --write-out '%{http_code}' "$@" || true
}

for _ in {1..5}; do
  code=$(call -H 'content-type: application/json' -H "Idempotency-Key: $key" --data-binary "@$request" "$API/subscribers")
  # Of these answers nobody knows whether anything was started, or nothing was, as AWS was busy.
  [[ $code == 000 || $code == 429 || $code == 5?? ]] || break
  sleep 10
done
if [[ $code != 202 ]]; then
  printf 'HTTP %s\n' "$code" >&2
  [[ ! -e $work/answer ]] || cat "$work/answer" >&2
  if [[ $code == 400 || $code == 422 ]]; then exit 2; fi
  exit 1
fi

location=$(jq -r .location "$work/answer")
# Step Functions shows an execution a moment after it has started: until then it is not found.
for ((misses = 0; misses < 5; )); do
  sleep 10
  if [[ $(call "$API$location") == 200 ]]; then
    misses=0
    [[ $(jq -r .status "$work/answer") == ONBOARDING ]] || break
  else
    misses=$((misses + 1))
  fi
done
[[ ! -e $work/answer ]] || jq . "$work/answer"
[[ $(jq -r '.status, .error' "$work/answer") == $'ACTIVE\nnull' ]]
