// What roles may do with the deployment's key (the param `kmsKeyArn`), from what they do with the services that encrypt with it: nothing lists
// that by hand. Each service uses the key in the name of its caller, so that a role can use it through that service alone.

/** The ARN of the key; undefined: there is none, and AWS's own keys encrypt. */
async function keyOf(resolveVariable) {
  return (await resolveVariable('param:kmsKeyArn')) || undefined;
}

const read = ['kms:Decrypt'];
const write = ['kms:Decrypt', 'kms:GenerateDataKey'];
/** Who uses a table with the key: DynamoDB developer guide, "Authorizing use of your customer managed key", without the creator's grant. */
const items = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'];

/**
 * What a call needs of the key. Calls that are not here need nothing: of SendTaskSuccess, SendTaskFailure, StopExecution and RedriveExecution the
 * key is used by the role of the state machine (Step Functions API reference, SendTaskFailure).
 */
const needs = {
  // Secrets Manager user guide, "Secret encryption and decryption".
  'secretsmanager:GetSecretValue': read,
  'secretsmanager:CreateSecret': write,
  'secretsmanager:PutSecretValue': write,
  'dynamodb:BatchGetItem': items,
  'dynamodb:ConditionCheckItem': items,
  'dynamodb:DeleteItem': items,
  'dynamodb:GetItem': items,
  'dynamodb:PutItem': items,
  'dynamodb:Query': items,
  'dynamodb:Scan': items,
  'dynamodb:UpdateItem': items,
  // SQS developer guide, "Key management".
  'sqs:SendMessage': write,
  // Step Functions developer guide, "Data at rest encryption".
  'states:StartExecution': write,
  'states:DescribeExecution': read,
  'states:GetExecutionHistory': read,
};

/** The statements about the key that the statements of a function's role ask for; none without a key. */
function useOfKey(statements, key) {
  if (key === undefined) return [];
  const byService = new Map();
  for (const call of statements.flatMap(({ Action }) => Action)) {
    const service = call.split(':')[0];
    if (needs[call]) byService.set(service, [...(byService.get(service) ?? []), ...needs[call]]);
  }
  return [...byService].map(([service, actions]) => ({
    Effect: 'Allow',
    Action: [...new Set(actions)].sort(),
    Resource: key,
    Condition: { StringEquals: { 'kms:ViaService': { 'Fn::Sub': `${service}.\${AWS::Region}.\${AWS::URLSuffix}` } } },
  }));
}

/**
 * What the role of a state machine needs of the key: for its executions, and for their logs (Step Functions developer guide, "Data at rest
 * encryption"; aws/aws-cdk#30959 has what the console writes for the logs).
 */
function useOfKeyByMachine(stateMachineArn, key) {
  if (key === undefined) return [];
  const within = (name, value) => ({ StringEquals: { [`kms:EncryptionContext:${name}`]: value } });
  const logs = { 'Fn::Sub': 'arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*' };
  return [
    { Effect: 'Allow', Action: write, Resource: key, Condition: within('aws:states:stateMachineArn', stateMachineArn) },
    { Effect: 'Allow', Action: 'kms:GenerateDataKey', Resource: key, Condition: within('SourceArn', logs) },
  ];
}

module.exports = { keyOf, useOfKey, useOfKeyByMachine };
