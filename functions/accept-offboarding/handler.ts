import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { acceptInputSchema } from '../../lib/plans/accept.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { acceptOffboarding } from './accept-offboarding.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const kms = perAccountRegion((config) => new KMSClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'accept-offboarding',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: acceptInputSchema,
  run: (input, context) =>
    acceptOffboarding(input, {
      environment: context.environment,
      cloudFormation: (home) => cloudFormation(home, context),
      kms: (home) => kms(home, context),
      stepFunctions,
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      now: new Date(),
    }),
});
