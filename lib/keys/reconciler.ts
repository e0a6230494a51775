import { setTimeout as wait } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import type * as v from 'valibot';
import type { Home } from '../aws/arns.ts';
import { type AccountsContext, inHomes } from '../aws/home-clients.ts';
import { documentClient } from '../registry/document-client.ts';
import { keyAccess } from './access-environment.ts';
import type { Reconciler } from './reconcile.ts';
import type { reconcilerEnvironmentSchema } from './reconciler-environment.ts';

interface ReconcilerContext extends AccountsContext {
  environment: v.InferOutput<typeof reconcilerEnvironmentSchema>;
}

/**
 * What a function reconciles key policies with, made once per process: for keys of any account and Region, whose roles are of the
 * same account, with the clients of AWS.
 */
export function reconcilers(): (home: Home, context: ReconcilerContext) => Reconciler {
  const kms = inHomes((config) => new KMSClient(config));
  const kmsOnce = inHomes((config) => new KMSClient({ ...config, maxAttempts: 1 }));
  const iam = inHomes((config) => new IAMClient(config));
  const documents = documentClient();
  return (home, context) => ({
    kms: kms(home, context),
    kmsOnce: kmsOnce(home, context),
    iam: iam(home, context),
    registry: { documents, tableName: context.environment.REGISTRY_TABLE },
    access: keyAccess(context.environment),
    clock: { now: Date.now, wait },
  });
}
