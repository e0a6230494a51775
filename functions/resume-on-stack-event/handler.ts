import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SFNClient } from '@aws-sdk/client-sfn';
import { arnOwner } from '../shared/arns.ts';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { registryEnvironmentSchema } from '../shared/registry-environment.ts';
import { step } from '../shared/step.ts';
import { resumeOnStackEvent, stackEventSchema } from './resume-on-stack-event.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'resume-on-stack-event',
  environment: registryEnvironmentSchema,
  input: stackEventSchema,
  run: (event, { environment }) =>
    resumeOnStackEvent(event, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(arnOwner(event.detail['stack-id']).region),
      stepFunctions,
      now: new Date(),
    }),
});
