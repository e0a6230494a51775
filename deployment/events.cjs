// What the params `eventSources` and `eventBus` add to the template: other accounts may send requests, and nothing else, to the deployment's bus;
// and a bus for results must exist. serverless.yml reads this file.

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');

const resources = parse(readFileSync(join(__dirname, '../functions/accept-event/resources.yml'), 'utf8')).Resources;
const detailTypes = resources.AcceptEventRule.Properties.EventPattern['detail-type'];

module.exports = async ({ resolveVariable }) => {
  // YAML may take a single id for a number.
  const accountIds = String((await resolveVariable('param:eventSources')) ?? '')
    .split(',')
    .filter((id) => id !== '');
  const bus = await resolveVariable('param:eventBus');
  return {
    template: {
      Resources: {
        ...(accountIds.length > 0 && { TakeRequestsOfAccounts: takeRequests(accountIds) }),
        ...(bus !== 'default' && { ResultsBusExists: existing(bus) }),
      },
    },
  };
};

/** An account lets its own roles in by their policies: both must allow it (EventBridge user guide, "Permissions for event buses"). */
function takeRequests(accountIds) {
  return {
    Type: 'AWS::Events::EventBusPolicy',
    Properties: {
      EventBusName: { Ref: 'OnboardingBus' },
      StatementId: 'take-requests-of-accounts',
      Statement: {
        Effect: 'Allow',
        Principal: { AWS: accountIds.map((id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:iam::${id}:root` })) },
        Action: 'events:PutEvents',
        Resource: { 'Fn::GetAtt': ['OnboardingBus', 'Arn'] },
        // The key has a value for each event of a call (EventBridge user guide, "Using IAM policy conditions").
        Condition: {
          'ForAllValues:StringEquals': { 'events:detail-type': detailTypes },
          Null: { 'events:detail-type': 'false' },
        },
      },
    },
  };
}

/** EventBridge takes events for a bus that does not exist, and drops them: this rule, which does nothing, is refused without its bus. */
function existing(EventBusName) {
  return {
    Type: 'AWS::Events::Rule',
    Properties: {
      Description: 'Does nothing. Without its bus it cannot be made, nor the bus be deleted while it is there',
      EventBusName,
      State: 'DISABLED',
      EventPattern: { source: ['infinstor.onboarding'] },
    },
  };
}
