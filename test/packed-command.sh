#!/usr/bin/env bash
# The packed command as a user gets it: `npm pack`, and `npx` in an empty folder, on a stage that is found by its stack alone.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'kill "${sandbox:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

npm pack --silent --pack-destination "$work" >/dev/null
node scripts/bootstrap.mjs sandbox/main.ts --port 0 >"$work/sandbox.log" 2>&1 &
sandbox=$!
until grep -q '^Function logs' "$work/sandbox.log"; do
  kill -0 "$sandbox" || { cat "$work/sandbox.log"; exit 1; }
  sleep 0.2
done
value() { sed -n "s/.*$1=\([^; ]*\).*/\1/p" "$work/sandbox.log"; }
AWS_ENDPOINT_URL=$(value AWS_ENDPOINT_URL)
AWS_ACCESS_KEY_ID=$(value AWS_ACCESS_KEY_ID)
AWS_SECRET_ACCESS_KEY=$(value AWS_SECRET_ACCESS_KEY)
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION=us-east-1 XDG_CACHE_HOME="$work/cache"

examples=$PWD/examples
mkdir "$work/empty"
cd "$work/empty"
cp "$work"/infinstor-onboarding-*.tgz .
run() { npx --yes ./infinstor-onboarding-*.tgz "$@"; }
run version
run onboard "$examples/acme.json" --stage sandbox
run status acme --stage sandbox --json | node -e "
  const { status } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  if (status !== 'ACTIVE') throw new Error('acme is ' + status);
"
run list --stage sandbox --jsonl | grep -q '"userName":"acme"'
# An error keeps its name on the way from one file of the package to the other.
if said=$(run status nobody --stage sandbox --json); then echo 'nobody has a status'; exit 1; fi
grep -q '"name": "SubscriberNotFound"' <<<"$said"
