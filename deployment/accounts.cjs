// What the param `accounts` adds to the template: only the roles that are configured may be assumed, only accounts that forward
// their stacks' events may send them, and without accounts there is nothing of either. serverless.yml reads this file.

const functions = require('./functions.cjs');

module.exports = async ({ resolveVariable }) => {
  const { rolesInOtherAccounts } = await functions({ resolveVariable });
  const param = JSON.parse(await resolveVariable('param:accounts'));
  const accounts = Object.entries(param);
  const forwarding = accounts
    .filter(([, { stackEvents }]) => stackEvents === 'forwarded')
    .map(([accountId]) => accountId);
  return {
    minified: JSON.stringify(param),
    template: {
      Resources: {
        ...(accounts.length > 0 && {
          AssumeRolesOfAccounts: assumeRoles(
            rolesInOtherAccounts,
            accounts.map(([, { roleArn }]) => roleArn),
          ),
        }),
        ...(forwarding.length > 0 && { TakeEventsOfAccounts: takeEvents(forwarding) }),
      },
    },
  };
};

function assumeRoles(roles, roleArns) {
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: roleArns };
  return {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: 'assume-roles-of-accounts',
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
