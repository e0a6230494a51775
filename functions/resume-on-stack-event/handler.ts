import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { environmentSchema } from './environment.ts';
import { resumeOnStackEvent, stackEventSchema } from './resume-on-stack-event.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'resume-on-stack-event',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: stackEventSchema,
  run: (event, context) =>
    resumeOnStackEvent(event, {
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(arnOwner(event.detail['stack-id']), context),
      stepFunctions,
      logger: context.logger,
      now: new Date(),
    }),
});
