import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SFNClient } from '@aws-sdk/client-sfn';
import { arnOwner } from '../shared/arns.ts';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { inHomes } from '../shared/home-clients.ts';
import { stackWaitEnvironmentSchema } from '../shared/stack-wait-environment.ts';
import { step } from '../shared/step.ts';
import { resumeOnStackEvent, stackEventSchema } from './resume-on-stack-event.ts';

const cloudFormation = inHomes((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'resume-on-stack-event',
  environment: stackWaitEnvironmentSchema,
  input: stackEventSchema,
  run: (event, context) =>
    resumeOnStackEvent(event, {
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(arnOwner(event.detail['stack-id']), context),
      stepFunctions,
      now: new Date(),
    }),
});
