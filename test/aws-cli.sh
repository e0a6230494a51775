#!/usr/bin/env bash
# Onboards, looks around and changes things as an operator does with an unmodified AWS CLI, against a sandbox of its own. Ends
# with the first thing that is not as it should be.
# usage: test/aws-cli.sh [aws]    the AWS CLI to use; default: the one that is found
set -euo pipefail
cd "$(dirname "$0")/.."

# Its path: the name is taken by a function below, which would call itself.
aws_cli=$(command -v "${1:-aws}")
work=$(mktemp -d)
trap 'kill "$sandbox" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

mkfifo "$work/said"
npm run --silent sandbox -- --port 0 >"$work/said" 2>&1 &
sandbox=$!
endpoint='' machine=''
while read -r -t 120 line; do
  case $line in
    *'is running at '*) endpoint=${line#*running at } endpoint=${endpoint%% *} ;;
    'State machine '*) machine=${line##* } ;;
    'export AWS_'*) eval "$line" ;;
    'Function logs '*) logs=${line##* }; break ;;
  esac
done <"$work/said" 
unset AWS_ENDPOINT_URL AWS_SESSION_TOKEN

aws() { "$aws_cli" --endpoint-url "$endpoint" --no-cli-pager --output json "$@"; }
# One value of an answer, by a JMESPath expression.
get() { local query=$1; shift; "$aws_cli" --endpoint-url "$endpoint" --no-cli-pager --output text --query "$query" "$@"; }
say() { printf '%s\n' "- $*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
equal() { [[ $1 == "$2" ]] || fail "$3: expected '$2', got '$1'"; }
contain() { [[ $1 == *"$2"* ]] || fail "$3: expected '$2' in '$1'"; }
# Expects a command to be refused with an error code.
refused() { local code=$1; shift; if "$@" >/dev/null 2>"$work/error"; then fail "$* was not refused"; fi; contain "$(<"$work/error")" "($code)" "$*"; }

say "$("$aws_cli" --version) at $endpoint"
equal "$(get Account sts get-caller-identity)" 111111111111 'account'

say 'a key for both subscribers'
key=$(get KeyMetadata.Arn kms create-key --description 'of the tenants' --tags TagKey=infinstor-onboarding,TagValue=allowed)
contain "$(get 'Keys[].KeyArn' kms list-keys)" "$key" 'list-keys'
contain "$(get Policy kms get-key-policy --key-id "$key" --policy-name default)" 'Enable IAM User Permissions' 'first policy'
aws kms tag-resource --key-id "$key" --tags TagKey=team,TagValue=red
contain "$(get 'Tags[].TagKey' kms list-resource-tags --key-id "$key")" team 'tags'
aws kms untag-resource --key-id "$key" --tag-keys team
aws kms disable-key --key-id "$key"
equal "$(get KeyMetadata.KeyState kms describe-key --key-id "$key")" Disabled 'disabled key'
aws kms enable-key --key-id "$key"
equal "$(get KeyMetadata.KeyState kms describe-key --key-id "$key")" Enabled 'enabled key'

say 'onboard a subscriber'
request() { printf '{"subscriber":{"userName":"%s","emailId":"mlops@example.com"},"encryption":{"tracking":{"type":"customer-managed","keyArn":"%s"}}}' "$1" "$key"; }
contain "$(get 'stateMachines[].stateMachineArn' stepfunctions list-state-machines)" "$machine" 'list-state-machines'
contain "$(get definition stepfunctions describe-state-machine --state-machine-arn "$machine")" PatchKeyPolicy 'definition'
# Starts an execution and waits for its end; prints its ARN.
onboard() {
  local execution status
  execution=$(get executionArn stepfunctions start-execution --state-machine-arn "$machine" --input "$(request "$1")")
  for _ in {1..60}; do
    status=$(get status stepfunctions describe-execution --execution-arn "$execution")
    [[ $status == RUNNING ]] || break
  done
  equal "$status" SUCCEEDED "onboarding of $1"
  printf '%s' "$execution"
}
execution=$(onboard cli-one)
contain "$(get 'events[].type' stepfunctions get-execution-history --execution-arn "$execution")" ExecutionSucceeded 'history'
contain "$(get 'executions[].executionArn' stepfunctions list-executions --state-machine-arn "$machine")" "$execution" 'list-executions'

say 'read its stack, role, records and secret'
stack=infinstor-subscriber-sandbox-cli-one
equal "$(get 'Stacks[0].StackStatus' cloudformation describe-stacks --stack-name $stack)" CREATE_COMPLETE 'stack'
contain "$(get 'StackEvents[].ResourceStatus' cloudformation describe-stack-events --stack-name $stack)" CREATE_COMPLETE 'stack events'
role=$(get "StackResourceSummaries[?ResourceType=='AWS::IAM::Role'].PhysicalResourceId" cloudformation list-stack-resources --stack-name $stack)
role_arn=$(get Role.Arn iam get-role --role-name "$role")
contain "$(get Policy kms get-key-policy --key-id "$key" --policy-name default)" "$role_arn" 'granted role'
token=$(get 'Stacks[0].Parameters[?ParameterKey==`CustomToken`].ParameterValue' cloudformation describe-stacks --stack-name $stack)
equal "$token" '****' 'NoEcho parameter'
template_url=https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml
contain "$(get 'Parameters[].ParameterKey' cloudformation get-template-summary --template-url $template_url)" CustomToken 'template summary'
refused AccessDenied aws sts assume-role --role-arn "$role_arn" --role-session-name operator
table=$(get 'TableNames[?contains(@, `registry`)]' dynamodb list-tables)
contain "$(get 'Items[].pk.S' dynamodb scan --table-name "$table")" 'SUBSCRIBER#cli-one' 'scan'
equal "$(get 'Items[0].status.S' dynamodb query --table-name "$table" --key-condition-expression 'pk = :pk AND sk = :sk' \
  --expression-attribute-values '{":pk":{"S":"SUBSCRIBER#cli-one"},":sk":{"S":"RECORD"}}')" ACTIVE 'query'
credentials=infinstor/sandbox/subscribers/cli-one/credentials
equal "$(get Name secretsmanager describe-secret --secret-id $credentials)" $credentials 'credentials'
contain "$(get SecretString secretsmanager get-secret-value --secret-id $credentials)" customToken 'credentials'
contain "$(ls "$logs")" patch-key-policy 'log folder'

say 'edit the key policy as a foreigner would, and onboard another subscriber on the key'
get Policy kms get-key-policy --key-id "$key" --policy-name default >"$work/policy.json"
node -e "
  const { readFileSync, writeFileSync } = require('node:fs');
  const policy = JSON.parse(readFileSync('$work/policy.json', 'utf8'));
  policy.Statement.splice(1, 0, { Sid: 'Auditors', Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::222222222222:root' }, Action: 'kms:DescribeKey', Resource: '*' });
  writeFileSync('$work/policy.json', JSON.stringify(policy, null, 4));
"
aws kms put-key-policy --key-id "$key" --policy-name default --policy "file://$work/policy.json"
onboard cli-two >"$work/second"
get Policy kms get-key-policy --key-id "$key" --policy-name default >"$work/after.json"
node -e "
  const { readFileSync } = require('node:fs');
  const { deepStrictEqual, ok } = require('node:assert');
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).Statement;
  const [before, after] = [read('$work/policy.json'), read('$work/after.json')];
  const foreign = (statements) => statements.filter(({ Sid }) => !/InfinStor|persistent/.test(Sid));
  const bySid = (statements) => new Map(statements.map((statement) => [statement.Sid, statement]));
  deepStrictEqual(bySid(foreign(after)), bySid(foreign(before)));
  ok(bySid(after).get('Auditors'), 'the foreign statement is there');
  ok(JSON.stringify(after).includes('Cli-two') || JSON.stringify(after).includes('cli-two'), 'the second role is granted');
"
contain "$(<"$work/after.json")" "$role_arn" 'first grant'

say 'restore the policy that was kept first, and keep both grants'
kept=$(get 'Items[0].id.S' dynamodb query --table-name "$table" --key-condition-expression 'pk = :pk AND begins_with(sk, :sk)' \
  --expression-attribute-values '{":pk":{"S":"KEY#'"$key"'"},":sk":{"S":"POLICY#"}}')
printf '{"keyArn":"%s","policyId":"%s"}' "$key" "$kept" >"$work/restore"
aws lambda invoke --function-name infinstor-onboarding-sandbox-restore-key-policy --payload "fileb://$work/restore" "$work/restored" >"$work/answer"
contain "$(<"$work/restored")" '"changed":true' 'restore'
get Policy kms get-key-policy --key-id "$key" --policy-name default >"$work/after.json"
if [[ $(<"$work/after.json") == *Auditors* ]]; then fail 'the foreign statement is still there'; fi
contain "$(<"$work/after.json")" "$role_arn" 'first grant after the restore'
contain "$(<"$work/after.json")" cli-two 'second grant after the restore'

say 'stop and redrive'
# The AWS CLI starts more slowly than an execution runs: a call in the first step takes long enough.
npm start --silent -- fault kms:DescribeKey:delay=20000 --endpoint "$endpoint" >/dev/null
stopped=$(get executionArn stepfunctions start-execution --state-machine-arn "$machine" --input "$(request cli-three)")
aws stepfunctions stop-execution --execution-arn "$stopped" --error Operator --cause 'changed my mind' >"$work/stop"
equal "$(get status stepfunctions describe-execution --execution-arn "$stopped")" ABORTED 'stopped execution'
if "$aws_cli" stepfunctions redrive-execution help >/dev/null 2>&1; then
  aws stepfunctions redrive-execution --execution-arn "$stopped" >"$work/redrive"
fi

say 'secrets, events, functions, roles'
secret=infinstor/sandbox/input/cli-one/password
aws secretsmanager create-secret --name $secret --secret-string '{"password":"First-Value-1!"}' >"$work/secret"
aws secretsmanager put-secret-value --secret-id $secret --secret-string '{"password":"Second-Value-2!"}' >"$work/secret"
aws secretsmanager delete-secret --secret-id $secret >"$work/secret"
refused InvalidRequestException aws secretsmanager get-secret-value --secret-id $secret
aws secretsmanager restore-secret --secret-id $secret >"$work/secret"
contain "$(get SecretString secretsmanager get-secret-value --secret-id $secret)" Second 'restored secret'
contain "$(get 'Rules[].Name' events list-rules)" ResumeOnStackEvent 'rules'
equal "$(get FailedEntryCount events put-events --entries 'Source=my.pipeline,DetailType=Nothing,Detail="{}"')" 0 'put-events'
contain "$(get 'Functions[].FunctionName' lambda list-functions)" patch-key-policy 'functions'
sweep=$(get "Functions[?contains(FunctionName, 'sweep-executions')].FunctionName" lambda list-functions)
equal "$(get StatusCode lambda invoke --function-name "$sweep" "$work/payload")" 200 'invocation'
refused DeleteConflict aws iam delete-role --role-name "$role"
for policy in $(get PolicyNames iam list-role-policies --role-name "$role"); do
  aws iam delete-role-policy --role-name "$role" --policy-name "$policy"
done
aws iam delete-role --role-name "$role"
refused NoSuchEntity aws iam get-role --role-name "$role"

if command -v jq >/dev/null; then
  say 'the example of a pipeline that asks by an event'
  # As the example calls it; the AWS CLI of Debian 12 knows no AWS_ENDPOINT_URL.
  mkdir "$work/bin"
  printf '#!/bin/sh\nexec "%s" --endpoint-url "%s" "$@"\n' "$aws_cli" "$endpoint" >"$work/bin/aws"
  chmod +x "$work/bin/aws"
  # Without the key: the role that was deleted above stands in its policy, and the wait for it is long.
  printf '{"subscriber":{"userName":"cli-event","emailId":"mlops@example.com"}}' >"$work/request.json"
  event=$(PATH="$work/bin:$PATH" BUS=infinstor-onboarding-sandbox examples/pipelines/onboard-event.sh "$work/request.json" 'the CLI' build-1)
  for _ in {1..60}; do
    status=$(get status stepfunctions describe-execution --execution-arn "${machine/:stateMachine:/:execution:}:cli-event-$event" 2>"$work/error" || true)
    [[ $status == RUNNING || -z $status ]] || break
  done
  equal "$status" SUCCEEDED 'onboarding by an event'
fi

say 'the queue of refused events'
queue=$(get QueueUrl sqs get-queue-url --queue-name infinstor-onboarding-sandbox-refused-events)
aws sqs send-message --queue-url "$queue" --message-body 'an event & more' >/dev/null
equal "$(get 'Messages[0].Body' sqs receive-message --queue-url "$queue" --attribute-names All)" 'an event & more' 'receive-message'

say 'the end of a stack, and of a key'
aws cloudformation delete-stack --stack-name infinstor-subscriber-sandbox-cli-two
aws cloudformation wait stack-delete-complete --stack-name infinstor-subscriber-sandbox-cli-two
aws kms schedule-key-deletion --key-id "$key" --pending-window-in-days 7 >"$work/deletion"
equal "$(get KeyMetadata.KeyState kms describe-key --key-id "$key")" PendingDeletion 'deleted key'
refused KMSInvalidStateException aws kms enable-key --key-id "$key"

say 'all as it should be'
