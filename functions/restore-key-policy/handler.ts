import { setTimeout as wait } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import * as v from 'valibot';
import { arnOwner } from '../shared/arns.ts';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { InvalidRequest } from '../shared/errors.ts';
import { keyAccess } from '../shared/key-access-environment.ts';
import { keyArnSchema } from '../shared/request.ts';
import { parse, step } from '../shared/step.ts';
import { environmentSchema } from './environment.ts';
import { restoreKeyPolicy } from './restore-key-policy.ts';

const kms = regional((config) => new KMSClient(config));
const kmsOnce = regional((config) => new KMSClient({ ...config, maxAttempts: 1 }));
const iam = new IAMClient(clientConfig);
const documents = documentClient();

const requestSchema = v.strictObject({ keyArn: keyArnSchema, policyId: v.pipe(v.string(), v.nonEmpty('is empty')) });

export const handler = step({
  name: 'restore-key-policy',
  environment: environmentSchema,
  // From a person, and not from a step before.
  input: v.unknown(),
  run: async (event, { environment, logger, invocation: { functionArn, requestId } }) => {
    const request = parse(requestSchema, event, (field, rule) => new InvalidRequest(field, rule));
    const { accountId } = arnOwner(functionArn);
    const { region, accountId: owner } = arnOwner(request.keyArn);
    if (owner !== accountId) throw new InvalidRequest('keyArn', `must be a key of account ${accountId}`);
    const reconciler = {
      kms: kms(region),
      kmsOnce: kmsOnce(region),
      iam,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      access: keyAccess(environment),
      clock: { now: Date.now, wait },
    };
    const restored = await restoreKeyPolicy(reconciler, request, `${functionArn} request ${requestId}`);
    logger.info(restored.changed ? 'key policy restored' : 'key policy says the same already', { ...restored });
    return restored;
  },
});
