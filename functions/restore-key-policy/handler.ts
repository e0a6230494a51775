import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { InvalidRequest } from '../../lib/errors.ts';
import { reconcilers } from '../../lib/keys/reconciler.ts';
import { step } from '../../lib/lambda/step.ts';
import { fields, keyArnSchema, parseParameters, shownAccounts } from '../../lib/requests/fields.ts';
import { environmentSchema } from './environment.ts';
import { restoreKeyPolicy } from './restore-key-policy.ts';

const reconcilerOf = reconcilers();

const requestSchema = fields({ keyArn: keyArnSchema, policyId: v.pipe(v.string(), v.nonEmpty('is empty')) });

export const handler = step({
  name: 'restore-key-policy',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  // From a person, and not from a step before.
  input: v.unknown(),
  run: async (event, context) => {
    const { environment, logger } = context;
    const { functionArn, requestId } = context.invocation;
    const request = parseParameters(requestSchema, event);
    const home = arnOwner(request.keyArn);
    const accountIds = [arnOwner(functionArn).accountId, ...Object.keys(environment.ACCOUNTS)];
    if (!accountIds.includes(home.accountId)) {
      throw new InvalidRequest('keyArn', `must be a key of one of the accounts ${shownAccounts(accountIds)}`);
    }
    const restored = await restoreKeyPolicy(
      reconcilerOf(home, context),
      request,
      `${functionArn} request ${requestId}`,
    );
    logger.info(restored.changed ? 'key policy restored' : 'key policy says the same already', { ...restored });
    return restored;
  },
});
