#!/usr/bin/env bash
# Asks for an onboarding by an event, with the AWS CLI and jq. Prints the event's id: the execution is named <userName>-<id>. What comes
# of it is an event, too (docs/events.md).
# usage: onboard-event.sh REQUEST.json WHO CORRELATION    with the output OnboardingBusName in BUS
set -euo pipefail

entries=$(jq --arg bus "$BUS" --arg who "$2" --arg correlation "$3" '[{
  EventBusName: $bus,
  Source: "my.pipeline",
  DetailType: "SubscriberRequested",
  Detail: (. + {requestedBy: $who, correlationId: $correlation} | tojson)
}]' "$1")
answer=$(aws events put-events --entries "$entries" --output json)
# The AWS CLI ends with status 0 also when EventBridge has refused the event.
if [[ $(jq .FailedEntryCount <<<"$answer") != 0 ]]; then
  jq '.Entries[0]' <<<"$answer" >&2
  exit 1
fi
jq -r '.Entries[0].EventId' <<<"$answer"
