// Encrypts what the deployment keeps with the key that the param `kmsKeyArn` names: table, secrets, queue, topic, logs and execution data.
// osls lays what stands here over the resources of the same names, so that they are as they were without a key. serverless.yml reads this file.
//
// Not with this key: the copies of the vendor's templates, which are public and which other accounts read, and the functions'
// variables, which hold no secret. AWS's own keys encrypt both.

const { logicalName, steps } = require('./functions.cjs');
const { keyOf } = require('./key-use.cjs');
const { readMachines } = require('./machines.cjs');

module.exports = async ({ resolveVariable }) => {
  const key = await keyOf(resolveVariable);
  if (key === undefined) return { template: { Resources: {} } };
  const hasAccounts = Object.keys(JSON.parse(await resolveVariable('param:accounts'))).length > 0;
  const hasTopic = (await resolveVariable('param:alarmTopic')) === 'own';
  const machines = readMachines().map(({ id }) => id);
  const logGroups = [...steps.map(logicalName), ...machines, 'HttpApi'].map((id) => `${id}LogGroup`);
  return {
    template: {
      Resources: {
        ...over('AWS::DynamoDB::Table', ['Registry'], {
          SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: key },
        }),
        ...over(
          'AWS::SecretsManager::Secret',
          ['SuperadminToken', ...(hasAccounts ? ['Accounts', 'AccountRegions'] : [])],
          { KmsKeyId: key },
        ),
        // A queue has one or the other (SQS API reference, SetQueueAttributes).
        ...over('AWS::SQS::Queue', ['RefusedEvents'], {
          KmsMasterKeyId: key,
          SqsManagedSseEnabled: { Ref: 'AWS::NoValue' },
        }),
        ...over('AWS::SNS::Topic', hasTopic ? ['AlarmTopic'] : [], { KmsMasterKeyId: key }),
        ...over('AWS::Logs::LogGroup', logGroups, { KmsKeyId: key }),
        ...over('AWS::StepFunctions::StateMachine', machines, { EncryptionConfiguration: executionData(key) }),
      },
    },
  };
};

/** With the type, without which osls takes none of what it makes itself. */
const over = (Type, ids, Properties) => Object.fromEntries(ids.map((id) => [id, { Type, Properties }]));

/** A data key serves for five minutes: less cost than one minute, and a key that is disabled stops executions sooner than with fifteen. */
const executionData = (key) => ({ Type: 'CUSTOMER_MANAGED_KMS_KEY', KmsKeyId: key, KmsDataKeyReusePeriodSeconds: 300 });
