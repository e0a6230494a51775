// What the param `accounts` adds to the template: only the roles that are configured may be assumed, only accounts that forward
// their stacks' events may send them, and without accounts there is nothing of either. serverless.yml reads this file.
//
// The accounts are in secrets, since 100 of them are too large for an environment of 4 KB (docs/decisions/0035-accounts.md). The
// functions that assume roles read one with all of it, the others one without external ids and roles; their variables name the secret.

const { createHash } = require('node:crypto');
const functions = require('./functions.cjs');

module.exports = async ({ resolveVariable }) => {
  const { rolesInOtherAccounts, rolesThatKnowAccounts } = await functions({ resolveVariable });
  const param = JSON.parse(await resolveVariable('param:accounts'));
  const accounts = Object.entries(param);
  if (accounts.length === 0) return { variable: '{}', regionsVariable: '{}', template: { Resources: {} } };
  const regions = Object.fromEntries(accounts.map(([accountId, account]) => [accountId, { regions: account.regions }]));
  const forwarding = accounts
    .filter(([, { stackEvents }]) => stackEvents === 'forwarded')
    .map(([accountId]) => accountId);
  const roleArns = accounts.map(([, { roleArn }]) => roleArn);
  return {
    variable: reference('Accounts', param),
    regionsVariable: reference('AccountRegions', regions),
    template: {
      Resources: {
        Accounts: secret('The accounts that requests may choose, with the roles there and their external ids', param),
        AccountRegions: secret('The accounts and Regions that requests may choose', regions),
        ReadAccounts: policy('read-accounts', rolesInOtherAccounts, readSecret('Accounts')),
        ReadAccountRegions: policy('read-account-regions', rolesThatKnowAccounts, readSecret('AccountRegions')),
        AssumeRolesOfAccounts: policy('assume-roles-of-accounts', rolesInOtherAccounts, {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Resource: roleArns,
        }),
        ...(forwarding.length > 0 && { TakeEventsOfAccounts: takeEvents(forwarding) }),
      },
    },
  };
};

/** Without a name, so that accounts can be taken out and named again at any time: a name may be taken until a deletion is over. */
function secret(Description, value) {
  return { Type: 'AWS::SecretsManager::Secret', Properties: { Description, SecretString: JSON.stringify(value) } };
}

/**
 * The variable of a function that reads a secret. The hash changes with the value: the functions then start anew and read it again,
 * after the secret was changed, which the reference makes CloudFormation do first.
 */
function reference(logicalId, value) {
  const version = createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
  return { 'Fn::Join': ['', ['{"secretId":"', { Ref: logicalId }, `","version":"${version}"}`]] };
}

function readSecret(logicalId) {
  return { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: { Ref: logicalId } };
}

function policy(PolicyName, roles, statement) {
  return {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName,
      PolicyDocument: { Version: '2012-10-17', Statement: [statement] },
      Roles: roles.map((role) => ({ Ref: role })),
    },
  };
}

function takeEvents(accountIds) {
  return {
    Type: 'AWS::Events::EventBusPolicy',
    Properties: {
      EventBusName: 'default',
      StatementId: 'take-events-of-accounts',
      Statement: {
        Effect: 'Allow',
        Principal: { AWS: accountIds.map((id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:iam::${id}:root` })) },
        Action: 'events:PutEvents',
        Resource: { 'Fn::Sub': 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default' },
        // No account may report what only the deployment itself can know.
        Condition: {
          'ForAllValues:StringEquals': { 'events:source': ['aws.cloudformation', 'aws.kms'] },
          Null: { 'events:source': 'false' },
        },
      },
    },
  };
}
